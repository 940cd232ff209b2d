"""Text -> BGZF bytes (blocked gzip, as bgzip writes), so that small VCFs need no other program and no time stamp."""

from __future__ import annotations

import struct
import zlib

_BLOCK = 65280
#: the empty block that ends every BGZF file (SAM specification, section 4.1.2)
_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def compress(text: str) -> bytes:
    """Return `text` (UTF-8) as BGZF; the same text gives the same bytes under one zlib."""
    data = text.encode("utf-8")
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)]
    return b"".join(map(_block, blocks)) + _END


def _block(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    header = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
    return header + body + struct.pack("<II", zlib.crc32(data), len(data))
