"""A track: one node of a parcel's way, in the carrier's own words.

It stands in the kernel because it crosses slices: a track that names only its waybill waits at an alias until the
parcel is known, then goes to its shipment. What its code means is decided there, by the carrier's map. Place and remark
of a node are free text that may name people: they stay in the sealed raw payload.
"""

from datetime import datetime

import msgspec


class Track(msgspec.Struct, frozen=True, kw_only=True, tag="track", gc=False):
    """`carrier` as the WMS codes it (SF), `code` as the carrier does (opCode), `at` the carrier's time of it."""

    carrier: str
    waybill: str
    code: str
    at: datetime
