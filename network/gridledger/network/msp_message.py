"""An MSP folder as the message that stands in a channel's configuration."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from fabric_protos.msp import msp_config_pb2

from gridledger.network.devnet.errors import Malformed
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
        If the folder holds no root or no readable `config.yaml`, or a revocation list that Fabric cannot use.

    Notes
    -----
    Fabric refuses every member of an MSP that has a revocation list without the key identifier of who signed
    it, the administrators who could remove it among them.
    """
    config = msp_config_from_folder(folder, msp_id)
    for pem in config.revocation_list:
        _require_usable(pem, folder)
    return bytes(
        msp_config_pb2.MSPConfig(config=config.SerializeToString(deterministic=True)).SerializeToString()
    )


def _require_usable(pem: bytes, folder: Path) -> None:
    """Refuse a revocation list that would lock the organisation out."""
    try:
        x509.load_pem_x509_crl(pem).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise Malformed(f"a revocation list in {folder} lacks its signer's key identifier") from error
    except (ValueError, TypeError) as error:
        raise Malformed(f"a revocation list in {folder} cannot be read") from error
