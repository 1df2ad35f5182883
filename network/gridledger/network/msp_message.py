"""An MSP folder as the message that stands in a channel's configuration."""

from __future__ import annotations

from pathlib import Path

from fabric_protos.msp import msp_config_pb2

from gridledger.network.devnet.msp import msp_config_from_folder

__all__ = ["msp_message"]


def msp_message(folder: Path, msp_id: str) -> bytes:
    """Return an MSP folder's ``msp.MSPConfig``; the same bytes for the same files.

    Parameters
    ----------
    folder : Path
        With `cacerts`, `tlscacerts`, `config.yaml` and, where there are some, `intermediatecerts`, `crls`.
    msp_id : str
        The MSP's id.

    Raises
    ------
    Malformed
        If the folder holds no root or no readable `config.yaml`.
    """
    config = msp_config_from_folder(folder, msp_id)
    return bytes(
        msp_config_pb2.MSPConfig(config=config.SerializeToString(deterministic=True)).SerializeToString()
    )
