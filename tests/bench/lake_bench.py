"""The lake against restic and borg: time and bytes of put, get, put again, one block, by turns on the same bytes.

    python -m tests.bench.lake_bench [--record] [--rounds N] [--folder DIRECTORY]

restic and borg come from Debian's packages of these names. All three write to a local folder here; puts to HDFS are
another target's.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, LocalStore, stat
