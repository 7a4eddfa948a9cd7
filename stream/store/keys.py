"""Under which names does the data stand in Redis? Every key of the layout, and the shard of a user.

{s0}:rt5:identity             hash: what the data was counted under (zone:APP, tzdata, secret, shards, layout)
{s0}:rt5:positions            hash: TOPIC:PARTITION -> NEXT@LOG
{s0}:rt5:totals               hash: applied, dead_letters, ...
{s0}:rt5:lease                string with an end: applies wait
{s0}:rt5:lineage              hash: calls (so far) and the marks of the last 1,024 apply calls (see lineage.py)
{s0}:rt5:a:APP:n              hash: users (indexes given so far), version (calls applied), revisions (told so far)
{s0}:rt5:a:APP:b:<2 bytes>    hash: user (14 bytes) -> index (4 bytes) and record; empty where the record is long
{s0}:rt5:a:APP:r:<16 bytes>   string: index and record of a user with a long record
{s0}:rt5:a:APP:k:<16 bytes>   hash: kept events of a user with very many
{s0}:rt5:a:APP:s:SET:CHUNK    string: members of a set in one chunk of 65,536 users; 2 bytes each, or (many) 8 KiB of bits
{s0}:rt5:a:APP:c:COUNTER      hash: field -> number
{s0}:rt5:a:APP:l:LEDGER       hash: index of a user -> number
{s0}:rt5:a:APP:o, t           hashes: revisions that wait, and those that are being told; REASON|COUNTER|FIELD -> change
{s0}:rt5:a:APP:d:NAME         string: a small document, as that of the churn watch (see stream/churn/documents.py)
{s0}:rt5:lead:ROLE            string with an end: who plays a role that only one may play
"""

from stream.store.protocol import LAYOUT

CHUNK_USERS = 65_536
CHUNK_BYTES = CHUNK_USERS // 8
INDEX_BYTES = 4
# As lists they take no more than the bitmap would, and are told from it by their length.
SPARSE_MEMBERS_MAX = 4_000


def shard_prefix(shard: int, layout: str = LAYOUT) -> str:
    """What every key of a shard begins with; the braces put them into one slot of a cluster."""
    return f"{{s{shard}}}:rt{layout}:"


def app_prefix(shard: int, app: str) -> str:
    """What every key of an app in a shard begins with."""
    return f"{shard_prefix(shard)}a:{app}:"


def shard_of(user: bytes, shards: int) -> int:
    """The shard of a user; bytes that the bucket does not use, so that shards and buckets are independent."""
    return int.from_bytes(user[-4:], "little") % shards
