"""The opinion on standing: is an island a member, is its word fresh, and does nobody rule it out."""

from __future__ import annotations

from islandrun.agents.agent import Question, Verdict, Veto, VetoReason
from islandrun.agents.models import is_called, scope_vetoes
from islandrun.vocabulary import IslandView, Standing


class TrustAgent:
    """Vetoes islands without good standing, in the wrong place, or ruled out by owner or client."""

    name = "trust"

    def judge(self, question: Question, island: IslandView) -> Verdict:
        """Judge membership, residency and wishes; gives no score, since trust itself is a threshold."""
        vetoes = (
            *_standing(question, island),
            *_residency(question, island),
            *_tiers(question, island),
            *_hints(question, island),
            *scope_vetoes(question, island),
        )
        return Verdict(self.name, island.id, vetoes, ())


def _standing(question: Question, island: IslandView) -> list[Veto]:
    vetoes = []
    if island.standing is Standing.REVOKED:
        vetoes.append(Veto(VetoReason.REVOKED, "revoked by the owner, or it contradicted itself"))
    if island.standing is Standing.UNKNOWN:
        vetoes.append(Veto(VetoReason.NOT_ADMITTED, "the owner has not admitted it"))
    now_ms = question.now.wall_ms
    if island.standing is Standing.EXPIRED or island.admitted_until_ms < now_ms:
        vetoes.append(Veto(VetoReason.STALE_ATTESTATION, "its admission is not valid now"))
    if island.attested_until_ms < now_ms:
        vetoes.append(Veto(VetoReason.STALE_ATTESTATION, "its own statement is not valid now"))
    return vetoes


def _residency(question: Question, island: IslandView) -> list[Veto]:
    """Require all places of an island to be allowed, since it may store in any of them."""
    vetoes = []
    for who, allowed in (
        ("owner", question.policy.jurisdictions),
        ("client", question.hints.jurisdictions),
    ):
        if not allowed:
            continue
        if not island.jurisdictions:
            vetoes.append(
                Veto(VetoReason.RESIDENCY, f"no jurisdiction is attested; the {who} restricts them")
            )
        elif not all(place in allowed for place in island.jurisdictions):
            places = ", ".join(island.jurisdictions)
            vetoes.append(Veto(VetoReason.RESIDENCY, f"in {places}: not all allowed by the {who}"))
    return vetoes


def _tiers(question: Question, island: IslandView) -> list[Veto]:
    vetoes = []
    for who, tiers in (("owner", question.policy.tiers), ("client", question.hints.tiers)):
        if tiers and island.tier not in tiers:
            vetoes.append(
                Veto(VetoReason.TIER_EXCLUDED, f"tier {island.tier.name.lower()} is excluded by the {who}")
            )
    return vetoes


def _hints(question: Question, island: IslandView) -> list[Veto]:
    hints = question.hints
    vetoes = []
    if hints.only and not any(is_called(island, word) for word in hints.only):
        vetoes.append(
            Veto(VetoReason.CLIENT_HINT, f"not among the {len(hints.only)} islands the client allows")
        )
    if any(is_called(island, word) for word in hints.ignore):
        vetoes.append(Veto(VetoReason.CLIENT_HINT, "the client asked to leave it out"))
    if island.front and island.front in hints.ignore:
        vetoes.append(Veto(VetoReason.CLIENT_HINT, "the client asked to leave its front out"))
    return vetoes
