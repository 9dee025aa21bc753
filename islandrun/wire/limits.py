"""Every limit on what comes from outside. A reader refuses what is over; a writer stays below."""

from __future__ import annotations

from typing import Final

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
HASH_BYTES: Final = 32
HASH8_BYTES: Final = 8
TOKEN_ID_BYTES: Final = 16

RECORD_BYTES_MAX: Final = 8 * 1024
PAYLOAD_BYTES_MAX: Final = RECORD_BYTES_MAX - 128
"""What a record has left for its payload beside kind, key, signature and framing."""

TIME_MS_MAX: Final = 1 << 52
"""Also the most for a sequence or an incarnation: both grow with the clock in milliseconds."""

EPOCH_MAX: Final = (1 << 31) - 1
SLOT_MAX: Final = (1 << 31) - 1

MESSAGE_BYTES_MAX: Final = 256 * 1024
SMALL_MESSAGE_BYTES_MAX: Final = 16 * 1024
"""The most for a gossip message that carries neither statements nor tables: probes, links, the tree."""

EXCHANGE_MESSAGES_MAX: Final = 64
EXCHANGE_BYTES_MAX: Final = 1024 * 1024
"""What one call of gossip carries each way: four messages of the largest, and many of the usual ones."""

ISLAND_ID_CHARACTERS: Final = 52
RECORDS_PER_PUSH_MAX: Final = 512
BUCKETS_LOG2_MAX: Final = 10
VERSIONS_PER_LIST_MAX: Final = 4096
KEYS_PER_WANT_MAX: Final = 4096
VERSIONS_PER_HAVE_MAX: Final = 200
"""So many versions of statements, at most 66 bytes each, fit into a small message."""

LOAD_MAX: Final = 1_000_000_000
"""The most of any figure in a load: requests, milliseconds or microseconds."""

ISLANDS_MAX: Final = 32_768
RECORDS_PER_ISSUER_MAX: Final = 64
WAITING_ISLANDS_MAX: Final = 256
"""Islands that have spoken and that the owner has not admitted (yet)."""

OUTSIDE_ISSUERS_MAX: Final = 64
"""Keys that certify or vouch and are neither the owner nor an admitted island."""

OWNER_RECORDS_MAX: Final = 65_536
"""Half of them are kept free for revocations."""

ADMITTERS_MAX: Final = 16
"""Keys that an owner lets admit islands; each is one more root of every mesh listener."""

ADMISSIONS_PER_ADMITTER_MAX: Final = 256
GRANTS_PER_ADMITTER_MAX: Final = 2 * ADMISSIONS_PER_ADMITTER_MAX
"""More than it may sign, so that two of one number are held together and prove that it lies."""

ADMITTER_RECORDS_MAX: Final = 16_384
"""All that one admitter says: an admission, a renewal and a revocation for each island, and some more."""

SUCCESSIONS_MAX: Final = 64
"""How often in a row an island may change its key and be granted what the first key was."""

SUCCESSIONS_PER_ADMITTER_MAX: Final = 256
WAITING_ADMITTERS_MAX: Final = 16
"""Keys that rule or admit and have no delegation (yet)."""

GROUPS_MAX: Final = 16
NAME_CHARACTERS_MAX: Final = 64
REASON_CHARACTERS_MAX: Final = 256
MODEL_NAME_CHARACTERS_MAX: Final = 128
ENDPOINTS_MAX: Final = 8
RELAYS_MAX: Final = 4
MODELS_MAX: Final = 32
DATA_SETS_MAX: Final = 32
DESCRIPTION_CHARACTERS_MAX: Final = 120
QUESTION_CHARACTERS_MAX: Final = 65_536
PASSAGES_MAX: Final = 100
PASSAGE_CHARACTERS_MAX: Final = 4_096
DOCUMENT_CHARACTERS_MAX: Final = 512
SECTION_CHARACTERS_MAX: Final = 512
JURISDICTIONS_MAX: Final = 16
CERTIFICATE_BYTES_MAX: Final = 4096
REQUESTS_MAX: Final = 1_000_000
PRICE_MICROUSD_MAX: Final = 10**12
CONTEXT_TOKENS_MAX: Final = 100_000_000

CHUNK_BYTES_MAX: Final = 64 * 1024
"""What one message of a relayed pipe carries."""

CONNECTION_ID_BYTES: Final = 16
NEWCOMERS_PER_ISLAND_MAX: Final = 8
"""Join tokens of one island whose holders a relay lets dial it."""

PROMPT_BYTES_MAX: Final = 16 * 1024 * 1024
MESSAGES_MAX: Final = 4096
TOOLS_MAX: Final = 512
TOOL_CALLS_MAX: Final = 128
STOP_WORDS_MAX: Final = 16
STOP_WORD_CHARACTERS_MAX: Final = 1024
HINT_ENTRIES_MAX: Final = 256
HINT_CHARACTERS_MAX: Final = 256
COST_MICROUSD_MAX: Final = 10**15
TOKENS_MAX: Final = 10_000_000
"""The most tokens a client may ask for, and the most a backend may report."""
