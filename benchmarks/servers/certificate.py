"""Writes a certificate for loopback and its certificate authority into a folder."""

import sys
from pathlib import Path

import trustme

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
authority = trustme.CA()
authority.cert_pem.write_to_path(str(folder / "ca.pem"))
authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
    str(folder / "server.pem")
)
