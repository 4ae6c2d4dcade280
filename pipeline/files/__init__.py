"""Files on this machine and on Beam's filesystems: opened, matched, decompressed, published."""
