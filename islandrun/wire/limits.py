"""Every limit on what comes from outside. A reader refuses what is over; a writer stays below."""

from __future__ import annotations

from typing import Final

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
HASH_BYTES: Final = 32
HASH8_BYTES: Final = 8

RECORD_BYTES_MAX: Final = 8 * 1024
MESSAGE_BYTES_MAX: Final = 256 * 1024
RECORDS_PER_PUSH_MAX: Final = 512
BUCKETS_LOG2_MAX: Final = 10
VERSIONS_PER_LIST_MAX: Final = 4096
KEYS_PER_WANT_MAX: Final = 4096

ISLANDS_MAX: Final = 4096
RECORDS_PER_ISSUER_MAX: Final = 64

NAME_CHARACTERS_MAX: Final = 64
MODEL_NAME_CHARACTERS_MAX: Final = 128
ENDPOINTS_MAX: Final = 8
MODELS_MAX: Final = 32
DATA_SETS_MAX: Final = 32
JURISDICTIONS_MAX: Final = 16
ADDRESS_CHARACTERS_MAX: Final = 255
CERTIFICATE_BYTES_MAX: Final = 4096

PROMPT_BYTES_MAX: Final = 16 * 1024 * 1024
MESSAGES_MAX: Final = 4096
TOOLS_MAX: Final = 512
TOOL_CALLS_MAX: Final = 128
STOP_WORDS_MAX: Final = 16
CHUNKS_MAX: Final = 4096
TOKENS_MAX: Final = 10_000_000
"""The most tokens a client may ask for, and the most a backend may report."""
