"""The composition root: builds every part of a node once, starts its listeners, stops in order."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import grpc

from islandrun.errors import RejectedMessage, StateError
from islandrun.mesh.clocks import ClockState
from islandrun.mesh.machine import Mesh
from islandrun.mesh.nearby import Nearby, discovery_key, renewed
from islandrun.routing.lookout import Lookout
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.accounting import Accounting, open_accounting
from islandrun_node.admissions import renew_due
from islandrun_node.auditing import Audit, audit_of, audited_journal
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.callers import CallerGate
from islandrun_node.channels import open_channel
from islandrun_node.config import issuers_of, trust_policy
from islandrun_node.config_tables import Config
from islandrun_node.conversations import Conversations
from islandrun_node.detectors import load_watch
from islandrun_node.discovery import Discovery, dialled
from islandrun_node.grounding import Grounding
from islandrun_node.home import Home, replace_private
from islandrun_node.journal import Journal
from islandrun_node.knowledge import LocalKnowledge
from islandrun_node.library import Library, open_library
from islandrun_node.listeners import Listening, listen
from islandrun_node.matching import Matcher
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.observations import Observations
from islandrun_node.outlook import Outlook
from islandrun_node.own_islands import own_islands
from islandrun_node.patience import waiting_room
from islandrun_node.peers import Peers
from islandrun_node.policy_watch import PolicyWatch
from islandrun_node.presence import Presence
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.reach import Reach
from islandrun_node.relay.process import relaying
from islandrun_node.request import Requests
from islandrun_node.rulings import Desk
from islandrun_node.runner import Runner
from islandrun_node.spending import Spending
from islandrun_node.state import State, open_state
from islandrun_node.statements import VERSION, SelfDescription
from islandrun_node.stores.behaviour import BehaviourStore
from islandrun_node.stores.conversations import ConversationStore
from islandrun_node.stores.data_sets import DataSetStore
from islandrun_node.stores.documents import DocumentIndex
from islandrun_node.stores.tokens import TokenStore
from islandrun_node.task_reader import TaskReader
from islandrun_node.tls import TlsIdentity
from islandrun_node.upkeep import Upkeep, kept_up
from islandrun_node.visits import Visits
from islandrun_node.ways import Island, Opener, Ways

RULE_SECONDS = 3600.0
"""How often an authority renews admissions and says how much it has taken away."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Node:
    """All parts of a node. Read it as the list of what there is."""

    config: Config
    state: State
    islands: tuple[SelfDescription, ...]
    backends: dict[IslandId, Turnstile]
    knowledge: LocalKnowledge
    tls: TlsIdentity
    gate: CallerGate
    peers: Peers
    mesh: Mesh
    driver: MeshDriver
    observations: Observations
    audit: Audit
    outlook: Outlook
    requests: Requests
    nearby: Nearby
    reach: Reach
    accounting: Accounting
    policy: PolicyWatch

    @property
    def mesh_id(self) -> bytes:
        """The mesh that this node is in."""
        return self.state.membership.genesis.mesh_id


@asynccontextmanager
async def running_node(
    home: Home, config: Config, privacy: PrivacyWorker | None = None
) -> AsyncGenerator[Listening]:
    """Bring a node up, and down again when the block ends. `privacy` takes the place of the usual worker.

    Raises `StateError` or `ConfigError` when it cannot start.
    """
    async with AsyncExitStack() as stack:
        node = await build(home, config, stack, privacy or PrivacyWorker(lambda: load_watch(config.privacy)))
        listening = await listen(node, stack)
        opener, tokens = _opener(node.tls, node.mesh_id), node.state.tokens
        node.reach.attach(opener, node.outlook.relay_offers, listening.mesh, partial(_expected, tokens))
        presence, discovery = _appear(node)
        await stack.enter_async_context(_chores(node, presence, discovery))
        stack.push_async_callback(presence.say_goodbye)
        replace_private(home.running, json.dumps({"pid": os.getpid(), **listening.public()}).encode())
        stack.callback(home.running.unlink, missing_ok=True)
        yield listening


async def build(home: Home, config: Config, stack: AsyncExitStack, privacy: PrivacyWorker) -> Node:
    """Build all parts; what must be closed is put on `stack`."""
    stack.callback(privacy.close)
    privacy.start()
    state = open_state(home, stack.enter_context(ExitStack()), issuers_of(config.trust))
    embedder = Embedder()
    library = await _library(state, config, stack, embedder)
    accounting = open_accounting(home, config, stack)
    islands, backends = own_islands(state, config, library, embedder, accounting)
    upkeep = await stack.enter_async_context(kept_up(config.resources, backends))
    mesh = Mesh(state.me, state.ledger, world_clock.dice(), world_clock.now())
    tls = TlsIdentity(state.membership.key, state.admission.certificate_der, state.membership.genesis)
    gate = CallerGate(state.ledger, state.tokens, lambda: outlook.view().reach)
    conversations = _conversations(state, stack, config)
    watch = PolicyWatch(home.config, config)
    reach = Reach(config, await stack.enter_async_context(relaying(home, config.relay)))
    journal = audited_journal(state)
    observations = Observations(BehaviourStore(state.database), lambda island: outlook.island(island))
    stack.callback(observations.keep)
    nearby = Nearby(discovery_key(state.membership.genesis), state.me)
    stores = (state, state.database, conversations, accounting, library)
    degraded = _degraded(lambda: (*stores, privacy, driver, reach, audit, watch))
    outlook = _outlook(state, config, mesh, observations, upkeep, journal, degraded, reach)
    peers = _peers(_opener(tls, state.membership.genesis.mesh_id), dialled(outlook, nearby), reach, stack)
    audit = audit_of(state, journal.log, outlook, peers.witness, observations.rewrote, stack)
    driver = MeshDriver(state.me, mesh, peers, state.attestations, gate.evict, observations.refused)
    runner = _runner(backends, peers, outlook, config, observations)
    weigh = accounting.spending.weighed
    grounding = Grounding(outlook, privacy, conversations, runner, LocalKnowledge(library, embedder), weigh)
    requests = _requests(config, grounding, journal, accounting.spending, watch)
    return Node(
        config=config,
        state=state,
        islands=islands,
        backends=backends,
        knowledge=grounding.knowledge,
        tls=tls,
        gate=gate,
        peers=peers,
        mesh=mesh,
        driver=driver,
        observations=observations,
        audit=audit,
        outlook=outlook,
        requests=requests,
        nearby=nearby,
        reach=reach,
        accounting=accounting,
        policy=watch,
    )


def _expected(tokens: TokenStore) -> dict[PublicKey, int]:
    """Return the keys of the open join tokens, and when each ends."""
    try:
        return {one.join_key: one.expires_at_ms for one in tokens.open_tokens(world_clock.now().wall_ms)}
    except StateError as error:
        _log.error("no newcomer is expected over relays: %s", error)
        return {}


def _appear(node: Node) -> tuple[Presence, Discovery | None]:
    """Tell the mesh that this node is there, and return what goes on telling it."""
    discovery: Discovery | None = None
    if node.config.discovery.enabled:
        key = discovery_key(node.state.membership.genesis)
        discovery = Discovery(
            node.nearby,
            lambda: node.mesh.peers(world_clock.now()),
            node.driver.saw_nearby,
            lambda: renewed(key, node.state.ledger),
        )

    def moved(endpoints: tuple[str, ...]) -> None:
        node.peers.renew()
        if discovery is not None:
            discovery.reached_at(endpoints)

    presence = Presence(
        node.islands, node.state.ledger, node.state.database, node.driver, node.reach.doors, moved
    )
    if discovery is not None:
        discovery.reached_at(node.reach.doors().endpoints)
    presence.tell()
    node.driver.when_awake(presence.tell)
    return presence, discovery


@asynccontextmanager
async def _chores(node: Node, presence: Presence, discovery: Discovery | None) -> AsyncGenerator[None]:
    """Keep the node's background work going while the block runs."""
    chores = (
        node.driver.run(),
        node.driver.watch_store(),
        node.gate.run(),
        node.observations.run(),
        node.audit.auditor.run(),
        node.requests.tasks.run(),
        node.tls.watch(node.peers.renew),
        presence.run(),
        node.knowledge.library.run(presence.tell),
        node.reach.run(presence.tell),
        *((discovery.run(),) if discovery is not None else ()),
        _rule_regularly(node),
        _keep_current(node),
        node.outlook.upkeep.run(presence.tell),
        node.requests.conversations.run(),
        node.accounting.spending.run(),
        node.policy.run(),
    )
    tasks = [asyncio.create_task(chore) for chore in chores]
    for task in tasks:
        task.add_done_callback(_died)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _died(task: asyncio.Task[None]) -> None:
    """Say that a chore ended by itself, which is our own mistake; the node goes on."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the node stopped: %r; restart the node", task.exception())


async def _rule_regularly(node: Node) -> None:
    while True:
        if node.driver.clock is not ClockState.WRONG:
            _rule(node, world_clock.now().wall_ms)
        await asyncio.sleep(RULE_SECONDS)


def _rule(node: Node, now_ms: int) -> None:
    """Renew admissions and state what was taken away, if this node holds the key of an authority."""
    state, authority = node.state, node.state.authority()
    if authority is None or not state.ledger.may_renew(authority.public):
        return
    genesis, store = state.membership.genesis, state.attestations
    try:
        renewed = renew_due(authority, genesis, store, state.ledger, now_ms)
        fresh = Desk(authority, genesis, store, now_ms).state_freshness(state.ledger)
    except StateError as error:
        _log.error("nothing is renewed: %s", error)
        return
    for signed in (*renewed, fresh):
        with suppress(RejectedMessage):
            node.driver.publish(signed)


async def _keep_current(node: Node) -> None:
    """Keep what probes tell of this island's load fresh, and its admission certificate in use."""
    while True:
        node.mesh.set_load(node.outlook.upkeep.load(node.state.me, is_for_others=True))
        admission = node.state.ledger.admission(node.state.me)
        if admission is not None and admission.certificate_der:
            node.tls.renew_admission(admission.certificate_der)
        await asyncio.sleep(1.0)


def _runner(
    backends: Mapping[IslandId, Turnstile],
    peers: Peers,
    outlook: Outlook,
    config: Config,
    observations: Observations,
) -> Runner:
    seconds_max = config.limits.answer_seconds_max
    return Runner(backends, peers, outlook.is_admitted, seconds_max, observations, outlook.breakers)


def _requests(
    config: Config, grounding: Grounding, journal: Journal, spending: Spending, watch: PolicyWatch
) -> Requests:
    outlook, embedder = grounding.outlook, grounding.knowledge.embedder
    return Requests(
        outlook=outlook,
        privacy=grounding.privacy,
        tasks=TaskReader(embedder),
        conversations=grounding.conversations,
        runner=grounding.runner,
        matcher=Matcher(outlook, embedder, config.match_data_sets),
        grounding=grounding,
        journal=journal,
        spending=spending,
        visits=Visits(lambda: watch.policy),
        running_max=config.limits.requests_running_max,
        patience=waiting_room(config.resources, outlook),
    )


async def _library(state: State, config: Config, stack: AsyncExitStack, embedder: Embedder) -> Library:
    index = DocumentIndex(state.home.documents, embedder)
    stack.callback(index.close)
    return await open_library(index, config.data, DataSetStore(state.database))


def _conversations(state: State, stack: AsyncExitStack, config: Config) -> Conversations:
    key = state.membership.key
    store = ConversationStore.open(state.home.conversations, key.derived("vaults"))
    kept = Conversations(store, key.derived("conversation names"), config.privacy.conversation_hours)
    stack.callback(kept.close)
    return kept


class _Part(Protocol):
    def degraded(self) -> tuple[str, ...]:
        """Return what keeps it from its work, one sentence each."""
        ...


def _degraded(parts: Callable[[], Iterable[_Part]]) -> Callable[[], tuple[str, ...]]:
    return lambda: tuple(reason for part in parts() for reason in part.degraded())


def _peers(opener: Opener, island: Island, reach: Reach, stack: AsyncExitStack) -> Peers:
    peers = Peers(Ways(opener, island, reach.policy, reach.through, reach.own_relay), island)
    stack.push_async_callback(peers.close)
    return peers


def _opener(tls: TlsIdentity, mesh_id: bytes) -> Opener:
    def open_to(endpoints: Sequence[str], key: PublicKey) -> grpc.aio.Channel:
        return open_channel(endpoints, key, tls.shown(world_clock.now().wall_ms), mesh_id)

    return open_to


def _outlook(
    state: State,
    config: Config,
    mesh: Mesh,
    observations: Observations,
    upkeep: Upkeep,
    journal: Journal,
    degraded: Callable[[], tuple[str, ...]],
    reach: Reach,
) -> Outlook:
    return Outlook(
        me=state.me,
        ledger=state.ledger,
        mesh=mesh,
        lookout=Lookout(mesh.changes),
        my_group=lambda: _group(state),
        trust_policy=trust_policy(config),
        behaviours=observations.behaviours,
        upkeep=upkeep,
        journal=journal,
        receipt_store=state.receipts,
        degraded=degraded,
        version=VERSION,
        started=world_clock.now(),
        in_flight=observations.in_flight,
        through=reach.through,
        relays=reach.names,
    )


def _group(state: State) -> str:
    """Return the group that the owner puts this island in now; empty, which trusts nobody, without one."""
    admission = state.ledger.admission(state.me)
    standing = state.ledger.standing(state.me, world_clock.now().wall_ms)
    return admission.group if admission is not None and standing is Standing.ADMITTED else ""
