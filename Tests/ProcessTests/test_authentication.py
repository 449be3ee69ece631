"""JSON Web Tokens: whose are believed, where they may be, what they open, and what nobody gets by with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, Nursery, Serve, StartGateway, StartOrchestrator
from expectations import GET, JSON, POST, TARGET, Ask, assert_problem, both_methods, data
from gateway import Gateway, chat, feed, run_command, yaml
from orchestrators import scripted
from orchestrators.feeds import Source
from orchestrators.scripted import CHAT, Gate
from resuming import assert_requests, both_places, numbers, resuming, with_fields
from test_cors import listed
from test_join_and_stop import join
from test_reload import reload
from tokens import (
    ALGORITHMS,
    Key,
    bearer,
    believing,
    claims,
    encoded,
    forged,
    issuer_key,
    key_set,
    new_key,
    plain_signature,
    put,
    spoiled,
    token,
)
from waiting import eventually
from wire import Answer, Connection, ask

Guard = Callable[..., tuple[scripted.Orchestrator, Gateway]]
GuardFeed = Callable[..., tuple[Source, Gateway]]

ABANDONED = "cancel"

NEWS: Ask = ("GET", "/events/news", [])
PATIENT = {"answer_after": "20s"}
ORIGIN = ("Origin", "https://app.example.com")
CORS = {"origins": [ORIGIN[1]], "credentials": True}
WORKERS = pytest.mark.parametrize("workers", [1, 4], ids=["1 worker", "4 workers"])


RSA, CURVE = issuer_key("RS256"), issuer_key("ES256")


@pytest.fixture
def guard(serve: Serve, tmp_path: Path) -> Guard:
    """The usual pair, whose gateway asks for tokens of `keys`; `jwt` are more of its settings."""

    def start(
        script: scripted.Script, *keys: Key, jwt: dict[str, Any] | None = None, **settings: Any
    ) -> tuple[scripted.Orchestrator, Gateway]:
        authentication = believing(tmp_path, *(keys or [issuer_key()]), **(jwt or {}))
        return serve(script, authentication=authentication, **settings)

    return start


@pytest.fixture
def guard_feed(start_gateway: StartGateway, tmp_path: Path) -> Iterator[GuardFeed]:
    """An event source, and a gateway with one feed route to it that asks for tokens of the issuer's."""
    with ExitStack() as stack:

        def start(jwt: dict[str, Any] | None = None, **settings: Any) -> tuple[Source, Gateway]:
            source = Source()
            stack.callback(source.stop)
            authentication = believing(tmp_path, issuer_key(), **(jwt or {}))
            return source, start_gateway(feed(source.url, authentication=authentication, **settings))

        yield start


@pytest.fixture(scope="module")
def believer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[scripted.Orchestrator, Gateway]]:
    """One gateway that believes three keys of the issuer's, and must live through everything that it is shown."""
    orchestrator = scripted.Orchestrator(scripted.chat())
    directory = tmp_path_factory.mktemp("believer")
    nursery = Nursery(request.node, directory)
    authentication = believing(directory, RSA, CURVE, issuer_key("HS256"))
    yield orchestrator, nursery.gateway(chat(orchestrator.url, authentication=authentication))
    nursery.end()
    orchestrator.stop()


def assert_unauthenticated(answer: Answer, word: str) -> None:
    """The answer says in every way there is that this client did not prove who it is (RFC 6750 §3)."""
    answer.read_all()
    assert_problem(answer, 401)
    assert answer.json["error"] == word, answer
    challenge = answer.get("www-authenticate") or ""
    assert challenge.startswith("Bearer "), answer
    assert ('error="invalid_token"' in challenge) == (word != "token_missing"), answer
    assert answer.get("cache-control") == "no-store"
    assert answer.get("sluice-run") is None


def showing(shown: str, request_line: Ask = GET) -> Ask:
    """The request with a token."""
    return with_fields(request_line, [bearer(shown)])


def assert_admitted(gateway: Gateway, shown: str) -> None:
    """The token lets in."""
    assert data(ask(gateway.address, *showing(shown))) == CHAT


def assert_refused(gateway: Gateway, shown: str, word: str) -> None:
    """The token does not let in, for this reason."""
    assert_unauthenticated(ask(gateway.address, *showing(shown)), word)


# Keys


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@both_methods
def test_a_token_lets_in_and_nothing_else_does(request_line: Ask, algorithm: str, guard: Guard) -> None:
    key = issuer_key(algorithm)
    orchestrator, gateway = guard(scripted.chat(), key)
    assert_unauthenticated(ask(gateway.address, *request_line), "token_missing")
    assert_unauthenticated(ask(gateway.address, *showing(spoiled(token(key=key), 2), request_line)), "token_signature")
    assert_requests(orchestrator, 0)
    assert data(ask(gateway.address, *showing(token(key=key), request_line))) == CHAT
    assert_requests(orchestrator, 1)
    gateway.finished(status="401", reason="unauthenticated")


@pytest.mark.parametrize("form", ["pem", "certificate", "set"])
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_keys_come_in_every_form(algorithm: str, form: str, serve: Serve, tmp_path: Path) -> None:
    key = issuer_key(algorithm)
    content = {"pem": lambda: key.pem, "certificate": lambda: key.certificate, "set": lambda: key_set(key)}[form]()
    file = put(tmp_path / "keys", content)
    _, gateway = serve(scripted.chat(), authentication={"jwt": {"keys": str(file)}})
    assert_admitted(gateway, token(key=key))
    assert_refused(gateway, token(key=new_key(algorithm)), "token_signature")


def test_all_algorithms_at_once_from_two_files(guard: Guard) -> None:
    keys = [issuer_key(algorithm) for algorithm in ALGORITHMS]
    orchestrator, gateway = guard(scripted.chat(), *keys)
    for key in keys:
        assert_admitted(gateway, token(key=key))
        assert_refused(gateway, token(key=new_key(key.algorithm)), "token_signature")
    assert_requests(orchestrator, len(keys))


def test_a_key_whose_algorithm_is_not_allowed_lets_nobody_in(guard: Guard) -> None:
    _, gateway = guard(scripted.chat(), issuer_key("RS256"), issuer_key("ES256"), jwt={"algorithms": ["ES256"]})
    assert_admitted(gateway, token(key=issuer_key("ES256")))
    assert_refused(gateway, token(key=issuer_key("RS256")), "token_algorithm")


def test_a_thousand_keys_each_by_its_name(serve: Serve, tmp_path: Path) -> None:
    keys = [new_key("EdDSA", f"key-{number}") for number in range(1000)]
    file = put(tmp_path / "keys.json", key_set(*keys))
    _, gateway = serve(scripted.chat(), authentication={"jwt": {"keys": str(file)}})
    for key in (keys[0], keys[499], keys[-1]):
        assert_admitted(gateway, token(key=key))
    imposter = new_key("EdDSA", keys[-1].name)
    assert_refused(gateway, token(key=imposter), "token_signature")
    assert_refused(gateway, token(key=new_key("EdDSA", "key-1000")), "token_key_unknown")
    assert_refused(gateway, token(key=new_key("EdDSA", "../../etc/passwd\0' or 1=1")), "token_key_unknown")
    too_many = put(tmp_path / "more.json", key_set(*keys, new_key("EdDSA", "key-1000")))
    settings = chat("http://127.0.0.1:1", authentication={"jwt": {"keys": str(too_many)}})
    checked = run_command("check", str(put(tmp_path / "sluice.yaml", yaml(settings).encode())))
    assert checked.returncode != 0 and "more than 1000 keys" in checked.stderr + checked.stdout


@WORKERS
def test_a_key_that_is_replaced_counts_within_a_moment(workers: int, guard: Guard, tmp_path: Path) -> None:
    old, new = issuer_key("ES256"), new_key("ES256")
    _, gateway = guard(scripted.chat(), old, workers=workers)
    for rotated, gone in ((new, old), (old, new)):
        assert_admitted(gateway, token(key=gone))
        assert_refused(gateway, token(key=rotated), "token_signature")
        put(tmp_path / "keys.pem", rotated.pem)
        put_at = time.monotonic()
        # Each time on a connection of its own, so that every worker is asked.
        in_a_row = 0
        while in_a_row < 12 * workers:
            in_a_row = in_a_row + 1 if ask(gateway.address, *showing(token(key=rotated))).status == 200 else 0
            assert time.monotonic() - put_at < 10, "the file was replaced long ago"
        for _ in range(12 * workers):
            assert_refused(gateway, token(key=gone), "token_signature")
    assert gateway.logged("keys_reloaded", file=str(tmp_path / "keys.pem"))


def test_a_secret_that_is_replaced_counts_within_a_moment(guard: Guard, tmp_path: Path) -> None:
    old, new = issuer_key("HS256"), new_key("HS256")
    _, gateway = guard(scripted.chat(), old, workers=1)
    put(tmp_path / "secret", new.private)
    eventually(lambda: ask(gateway.address, *showing(token(key=new))).status == 200, "the new one counts", within=10)
    assert_refused(gateway, token(key=old), "token_signature")


@pytest.mark.parametrize(
    ("broken", "workers"),
    [("cut off", 1), ("cut off", 4), ("empty", 1), ("something else", 1), ("gone", 1), ("a directory", 1)],
)
def test_a_broken_key_file_changes_nothing_and_is_told_once(
    broken: str, workers: int, guard: Guard, tmp_path: Path
) -> None:
    key = issuer_key()
    _, gateway = guard(scripted.chat(), key, workers=workers)
    file = tmp_path / "keys.pem"
    contents = {"cut off": key.pem[:-30], "empty": b"", "something else": b'{"keys": [{"kty": "EC", "crv": "P-256"}]}'}
    if broken in contents:
        put(file, contents[broken])
    else:
        file.unlink()
        if broken == "a directory":
            file.mkdir()

    def told_and_looked_at_again() -> bool:
        assert_admitted(gateway, token(key=key))
        told = gateway.logged("keys_refused", file=str(file))
        # A file is looked at once in every second that has a request: here in two more since it was told.
        return bool(told) and len({line.text[:19] for line in gateway.log if line.text[:24] > told[0].text[:24]}) > 2

    eventually(told_and_looked_at_again, "the broken file is told, and looked at again")
    (line,) = gateway.logged("keys_refused")
    assert line.level == "error" and line.values["error"]
    if broken == "a directory":
        file.rmdir()
    new = new_key()
    put(file, new.pem)
    eventually(lambda: ask(gateway.address, *showing(token(key=key))).status == 401, "it is gone", within=10)
    eventually(lambda: ask(gateway.address, *showing(token(key=new))).status == 200, "the new one counts", within=10)
    assert len(gateway.logged("keys_refused")) == 1


# Places

PLACES = {"header": True, "cookie": "token", "query": "access_token"}
NOWHERE = {"header": False}


def in_place(place: str, shown: str, request_line: Ask = GET) -> Ask:
    """The request with a token in a place."""
    if place == "query":
        method, target, *rest = request_line
        return method, f"{target}{'&' if '?' in target else '?'}access_token={shown}", *rest
    return with_fields(request_line, [bearer(shown) if place == "header" else ("Cookie", f"a=b; token={shown}; c=d")])


@pytest.mark.parametrize("place", PLACES)
@both_methods
def test_a_token_is_found_in_its_place_and_in_no_other(request_line: Ask, place: str, guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat(), jwt={"sources": {**NOWHERE, place: PLACES[place]}})
    for other in PLACES:
        answer = ask(gateway.address, *in_place(other, token(), request_line))
        if other == place:
            assert data(answer) == CHAT
        else:
            assert_unauthenticated(answer, "token_missing")
    assert_requests(orchestrator, 1)


@pytest.mark.parametrize("name", ["access_token", "acc%65ss_token"])
def test_a_token_in_the_query_goes_no_further(name: str, guard: Guard) -> None:
    shown, spoilt = token(), spoiled(token(), 2)
    sources = {"header": False, "query": "access_token"}
    orchestrator, gateway = guard(
        scripted.chat(), jwt={"sources": sources}, route={"forward_credentials": True}, log={"level": "trace"}
    )
    for query in (f"message=x&{name}={shown}", f"{name}={shown}&message=x", f"{name}={shown}&message=x&{name}={shown}"):
        assert data(ask(gateway.address, "GET", f"{TARGET}?{query}")) == CHAT
        assert data(ask(gateway.address, "POST", f"{TARGET}?{query}", JSON, b'{"message":"y"}')) == CHAT
    assert data(ask(gateway.address, "POST", f"{TARGET}?{name}={shown}", JSON, b"{}")) == CHAT
    *asked, last = orchestrator.requests
    assert last.target == TARGET
    for get, post in zip(asked[::2], asked[1::2], strict=True):
        assert (get.target, get.json) == (TARGET, {"message": "x"})
        assert (post.target, post.json) == (f"{TARGET}?message=x", {"message": "y"})
    assert ask(gateway.address, "GET", f"{TARGET}?{name}={spoilt}").status == 401
    orchestrator.script = scripted.raw(b"nonsense")
    ask(gateway.address, "GET", f"{TARGET}?{name}={shown}").read_all()
    seen = gateway.stderr.encode() + b"".join(each.raw_head + each.body for each in orchestrator.requests)
    assert not [part for text in (shown, spoilt) for part in text.split(".") if part.encode() in seen]


def test_a_token_in_the_query_of_a_feed_goes_no_further(guard_feed: GuardFeed, connect: Connect) -> None:
    shown, others = token(), token()
    source, gateway = guard_feed({"sources": {"header": False, "query": "access_token"}}, log={"level": "trace"})
    answers = []
    for query in (f"?access_token={shown}&page=1", f"?page=1&access_token={others}"):
        answers.append(connect(gateway.address).ask("GET", f"/events/news{query}"))
    source.wait_for_subscribers()
    source.say("one", id="1")
    for answer in answers:
        assert [event.data for event in answer.read_events(1)] == ["one"]
    (request,) = source.requests
    assert request.target == "/e/news?page=1", "who shows another token of the same subject shares the feed"
    seen = gateway.stderr + request.raw_head.decode("latin-1")
    assert not [part for text in (shown, others) for part in text.split(".") if part in seen]


def test_a_token_in_the_header_is_not_logged_nor_passed_on(guard: Guard) -> None:
    shown = token()
    orchestrator, gateway = guard(
        scripted.chat(), jwt={"sources": {"cookie": "token"}}, log={"level": "trace"}, workers=2
    )
    assert_admitted(gateway, shown)
    assert data(ask(gateway.address, *in_place("cookie", shown))) == CHAT
    for request in orchestrator.requests:
        assert (request.get("authorization"), request.get("cookie")) == (None, None)
    assert not [part for part in shown.split(".") if part in gateway.stderr]


@pytest.mark.parametrize(
    ("places", "is_ambiguous"),
    [
        (("header", "cookie"), True),
        (("header", "query"), True),
        (("query", "query"), True),
        (("cookie", "cookie"), True),
        (("header", "header"), True),
        (("header", "cookie"), False),
        (("cookie", "query", "header"), False),
    ],
)
def test_of_several_tokens_none_is_guessed(places: tuple[str, ...], is_ambiguous: bool, guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat(), jwt={"sources": PLACES})
    same, request = token("alice"), GET
    for number, place in enumerate(places):
        request = in_place(place, token("bob") if is_ambiguous and number == 0 else same, request)
    answer = ask(gateway.address, *request)
    if not is_ambiguous:
        assert data(answer) == CHAT
        return
    assert_problem(answer, 400)
    assert answer.json["error"] == "token_ambiguous"
    assert 'error="invalid_request"' in (answer.get("www-authenticate") or "")
    assert_requests(orchestrator, 0)


# Claims

ISSUER = {"issuer": "https://id.example/"}
AUDIENCE = {"audience": ["chat", "news"]}
FOREVER = {"require_expiry": False}


def soon(seconds: float) -> float:
    """A time in so many seconds from now, or before."""
    return time.time() + seconds


@pytest.mark.parametrize(
    ("jwt", "more"),
    [
        ({}, lambda: {"exp": soon(-5)}),
        ({"leeway": "10m"}, lambda: {"exp": soon(-300)}),
        ({}, lambda: {"nbf": soon(-1), "iat": soon(-1000)}),
        ({}, lambda: {"nbf": soon(15), "iat": soon(15)}),
        ({}, lambda: {"iss": "https://whoever.example/", "scope": "a b", "nested": {"a": [1, {"b": None}]}}),
        ({}, lambda: {"exp": 1e300}),
        (ISSUER, lambda: {"iss": "https://id.example/"}),
        (AUDIENCE, lambda: {"aud": "news"}),
        (AUDIENCE, lambda: {"aud": ["other", "chat"]}),
        (FOREVER, lambda: {"exp": None}),
        ({}, lambda: {"sub": 'Zoë \U0001f4a7 "quoted" \\ \' or 1=1'}),
    ],
)
def test_claims_that_let_in(jwt: dict[str, Any], more: Callable[[], dict[str, Any]], guard: Guard) -> None:
    _, gateway = guard(scripted.chat(), jwt=jwt)
    assert_admitted(gateway, token(**more()))


@pytest.mark.parametrize(
    ("jwt", "more", "word"),
    [
        ({}, lambda: {"exp": soon(-100)}, "token_expired"),
        ({"leeway": "0s"}, lambda: {"exp": soon(-1)}, "token_expired"),
        ({}, lambda: {"exp": -1e300}, "token_expired"),
        ({}, lambda: {"exp": None}, "token_expiry_missing"),
        ({}, lambda: {"nbf": soon(200)}, "token_not_yet_valid"),
        ({"leeway": "0s"}, lambda: {"iat": soon(200)}, "token_not_yet_valid"),
        (ISSUER, dict, "token_issuer"),
        (ISSUER, lambda: {"iss": "https://id.example"}, "token_issuer"),
        (AUDIENCE, dict, "token_audience"),
        (AUDIENCE, lambda: {"aud": ["chats", "CHAT", ""]}, "token_audience"),
        ({}, lambda: {"aud": "chat"}, "token_audience"),
        ({}, lambda: {"sub": None}, "token_subject"),
        ({}, lambda: {"sub": ""}, "token_subject"),
    ],
)
def test_claims_that_do_not_let_in(
    jwt: dict[str, Any], more: Callable[[], dict[str, Any]], word: str, guard: Guard
) -> None:
    orchestrator, gateway = guard(scripted.chat(), jwt=jwt)
    assert_refused(gateway, token(**more()), word)
    assert_requests(orchestrator, 0)


@pytest.mark.parametrize(
    "claim",
    [
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": ["alice"]},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": None},
        {"nbf": {}},
        {"aud": [1]},
        {"aud": {"chat": True}},
        {"iss": 1},
    ],
)
def test_claims_of_another_form_do_not_let_in(
    claim: dict[str, Any], believer: tuple[scripted.Orchestrator, Gateway]
) -> None:
    _, gateway = believer
    assert_refused(gateway, forged({"alg": "ES256"}, {**claims(), **claim}), "token_malformed")


# Abuse

STRANGER = {"ES256": new_key("ES256"), "HS256": new_key("HS256")}


def signed_otherwise(key: Key, name: str) -> str:
    """A token whose signature is right, and in another form than its header says."""
    parts = [encoded({"alg": name}), encoded(claims())]
    return forged({"alg": name}, claims(), signature=plain_signature(key, b".".join(parts)))


def recoded(old: str, new: str) -> Callable[[], str]:
    """A token whose signature has another form that decodes to the same bytes, or to none."""

    def change() -> str:
        while old not in (shown := token(key=CURVE)).rpartition(".")[2]:
            pass
        head, _, signature = shown.rpartition(".")
        return f"{head}.{signature.replace(old, new, 1)}"

    return change


def with_more_bits() -> str:
    """A token whose last character has bits beyond the last byte."""
    shown, alphabet = token(key=CURVE), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return shown[:-1] + alphabet[alphabet.index(shown[-1]) + 1]


ABUSE: dict[str, tuple[Callable[[], str], str]] = {
    "not signed": (lambda: forged({"alg": "none"}, claims(), signature=b""), "token_algorithm"),
    "not signed, in another case": (lambda: forged({"alg": "nOnE"}, claims(), signature=b""), "token_algorithm"),
    "not signed, with a signature": (lambda: forged({"alg": "none"}, claims(), CURVE), "token_algorithm"),
    "without its signature": (lambda: token().rpartition(".")[0] + ".", "token_signature"),
    "a signature of zeros": (lambda: forged({"alg": "ES256"}, claims(), signature=bytes(64)), "token_signature"),
    "signed with the public key": (
        lambda: forged({"alg": "HS256"}, claims(), Key("HS256", RSA.pem)),
        "token_signature",
    ),
    "signed with the public key, less a line end": (
        lambda: forged({"alg": "HS256"}, claims(), Key("HS256", RSA.pem.strip())),
        "token_signature",
    ),
    "another's key": (lambda: token(key=STRANGER["ES256"]), "token_signature"),
    "another's secret": (lambda: token(key=STRANGER["HS256"]), "token_signature"),
    "an empty secret": (lambda: forged({"alg": "HS256"}, claims(), Key("HS256", b"")), "token_signature"),
    "another's key, which it brings along": (
        lambda: forged(
            {"alg": "ES256", "jwk": STRANGER["ES256"].jwk, "jku": "http://127.0.0.1:1/"}, claims(), STRANGER["ES256"]
        ),
        "token_signature",
    ),
    "signed with another algorithm than it says": (
        lambda: forged({"alg": "RS256"}, claims(), CURVE),
        "token_signature",
    ),
    "an algorithm that is not known": (lambda: forged({"alg": "RS512"}, claims(), RSA), "token_algorithm"),
    "another padding": (lambda: signed_otherwise(RSA, "RS256"), "token_signature"),
    "a signature as certificates have it": (lambda: signed_otherwise(CURVE, "ES256"), "token_signature"),
    "another subject": (
        lambda: f"{token().split('.')[0]}.{token('bob').split('.')[1]}.{token().split('.')[2]}",
        "token_signature",
    ),
    "a changed header": (lambda: spoiled(token(), 0), "token_malformed"),
    "a changed payload": (lambda: spoiled(token(), 1), "token_signature"),
    "a changed signature": (lambda: spoiled(token(), 2), "token_signature"),
    "a subject that is there twice": (
        lambda: forged({"alg": "ES256"}, b'{"sub":"alice","exp":9999999999,"sub":"bob"}'),
        "token_malformed",
    ),
    "an expiry that is there twice": (
        lambda: forged({"alg": "ES256"}, b'{"sub":"alice","exp":1,"\\u0065xp":9999999999}'),
        "token_malformed",
    ),
    "an algorithm that is there twice": (
        lambda: forged(b'{"alg":"none","alg":"ES256"}', claims()),
        "token_malformed",
    ),
    "a demand": (lambda: forged({"alg": "ES256", "crit": ["b64"], "b64": True}, claims()), "token_critical"),
    "for another purpose": (lambda: forged({"alg": "ES256", "typ": "logout+jwt"}, claims()), "token_type"),
    "too long": (lambda: token(more="x" * 9000), "token_too_large"),
    "nested too deep": (lambda: token(more=[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]), "token_malformed"),
    "a list": (lambda: forged({"alg": "ES256"}, ["alice"]), "token_malformed"),
    "no JSON": (lambda: forged({"alg": "ES256"}, b'{"sub":"alice"'), "token_malformed"),
    "no UTF-8": (lambda: forged({"alg": "ES256"}, b'{"sub":"\xff","exp":9999999999}'), "token_malformed"),
    "no header": (lambda: token().partition(".")[2], "token_malformed"),
    "two parts": (lambda: token().rpartition(".")[0], "token_malformed"),
    "four parts": (lambda: token() + ".e30", "token_malformed"),
    "five parts": (lambda: token() + ".e30.e30", "token_malformed"),
    "dots": (lambda: "..", "token_malformed"),
    "a word": (lambda: "alice", "token_malformed"),
    "something behind it": (lambda: token() + " x", "token_malformed"),
    "the other base64": (recoded("-", "+"), "token_malformed"),
    "padding": (lambda: token() + "==", "token_malformed"),
    "bits that mean nothing": (with_more_bits, "token_malformed"),
}


@pytest.mark.parametrize("name", ABUSE)
def test_nobody_gets_by_with(name: str, believer: tuple[scripted.Orchestrator, Gateway]) -> None:
    make, word = ABUSE[name]
    orchestrator, gateway = believer
    before = len(orchestrator.requests)
    assert_refused(gateway, make(), word)
    assert_requests(orchestrator, before)
    assert_admitted(gateway, token(key=CURVE))


def test_a_public_key_is_no_secret_where_there_is_none(guard: Guard) -> None:
    _, gateway = guard(scripted.chat(), RSA)
    assert_refused(gateway, forged({"alg": "HS256"}, claims(), Key("HS256", RSA.pem)), "token_algorithm")


@pytest.mark.parametrize("scheme", ["Bearer", "Bearer ", "Basic YWxpY2U6eA==", "Bearerx y", ""])
def test_what_shows_no_token(scheme: str, guard: Guard) -> None:
    _, gateway = guard(scripted.chat())
    answer = ask(gateway.address, *with_fields(GET, [("Authorization", scheme)]))
    assert_unauthenticated(answer, "token_malformed" if scheme.strip() == "Bearer" else "token_missing")


def test_the_scheme_may_be_written_in_any_case(guard: Guard) -> None:
    _, gateway = guard(scripted.chat())
    assert data(ask(gateway.address, *with_fields(GET, [("authorization", f"bEARER   {token()}")]))) == CHAT


# Answers


def test_the_answer_does_not_wait_for_the_body(guard: Guard, connect: Connect) -> None:
    orchestrator, gateway = guard(scripted.chat(), clients={"body_timeout": "60s"})
    for fields in ([], [("Expect", "100-continue")], [bearer(spoiled(token(), 2))]):
        connection = connect(gateway.address)
        connection.request("POST", TARGET, [*JSON, *fields, ("Content-Length", "1000000")])
        answer = connection.answer()
        assert_problem(answer, 401)
    assert_requests(orchestrator, 0)


def test_head_is_answered_as_get_would_be(guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat())
    answer = ask(gateway.address, "HEAD", TARGET)
    assert (answer.status, answer.get("www-authenticate")) == (401, 'Bearer realm="sluice"')
    assert ask(gateway.address, "HEAD", TARGET, [bearer(token())]).status == 200
    assert_requests(orchestrator, 0)


def test_what_is_wrong_with_a_request_is_said_before_who_asks(guard: Guard) -> None:
    _, gateway = guard(scripted.chat())
    assert_problem(ask(gateway.address, "GET", "/nowhere"), 404)
    assert_problem(ask(gateway.address, "DELETE", TARGET), 405)


def test_the_page_may_read_why_and_a_preflight_needs_no_token(guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat(), cors=CORS)
    for request_line in (GET, POST, join("a" * 26)):
        answer = ask(gateway.address, *with_fields(request_line, [ORIGIN]))
        assert_unauthenticated(answer, "token_missing")
        assert answer.get("access-control-allow-origin") == ORIGIN[1]
        assert answer.get("access-control-allow-credentials") == "true"
        assert "origin" in listed(answer, "vary")
    preflight = [ORIGIN, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]
    for target in (TARGET, join("a" * 26)[1]):
        method = "POST" if target == TARGET else "DELETE"
        answer = ask(gateway.address, "OPTIONS", target, [*preflight[:1], (preflight[1][0], method), preflight[2]])
        assert (answer.status, answer.get("access-control-allow-origin")) == (204, ORIGIN[1])
        assert "authorization" in listed(answer, "access-control-allow-headers")
    stranger = ask(gateway.address, *with_fields(GET, [("Origin", "https://evil.example.net"), bearer(token())]))
    assert_problem(stranger, 403)
    assert_requests(orchestrator, 0)


def test_whoever_is_refused_may_try_again_on_the_same_connection(guard: Guard, connect: Connect) -> None:
    _, gateway = guard(scripted.chat())
    connection = connect(gateway.address)
    for shown in (spoiled(token(), 2), token(), spoiled(token(), 1), token()):
        answer = connection.ask(*showing(shown))
        answer.read_all()
        assert answer.status == (200 if len(answer.events) == len(CHAT) else 401)
    gateway.wait_for(lambda: len(gateway.logged("request")) == 4, "four log lines")
    assert [line.values["status"] for line in gateway.logged("request")] == ["401", "200", "401", "200"]


# Who it is


@WORKERS
def test_a_run_is_its_subjects_whatever_the_token(workers: int, guard: Guard, connect: Connect) -> None:
    gate = Gate()
    orchestrator, gateway = guard(scripted.gated(gate), workers=workers)
    owners = connect(gateway.address).ask(*showing(token("alice"), POST))
    owners.read_events(3)
    run = owners.run
    for fields in ([], [bearer(spoiled(token("alice"), 2))]):
        for request in (join(run), resuming(GET, f"{run}.2"), ("DELETE", join(run)[1])):
            assert_problem(ask(gateway.address, *with_fields(request, fields)), 401)
    for place in (join(run), resuming(join(run), f"{run}.1"), resuming(GET, f"{run}.2"), resuming(POST, f"{run}.2")):
        answer = ask(gateway.address, *showing(token("bob"), place))
        assert_problem(answer, 403)
        assert b"routing" not in answer.body and answer.get("sluice-run") is None
    assert_problem(ask(gateway.address, *showing(token("bob"), ("DELETE", join(run)[1]))), 403)
    others = [
        connect(gateway.address).ask(*showing(token("alice", jti=str(number)), place))
        for number, place in enumerate([join(run), resuming(GET, f"{run}.2"), resuming(POST, f"{run}.3")])
    ]
    gate.open()
    for answer, first in zip(others, (0, 2, 3), strict=True):
        assert data(answer) == CHAT[first:]
    assert data(owners) == CHAT
    assert_requests(orchestrator, 1)
    assert ask(gateway.address, *showing(token("alice"), ("DELETE", join(run)[1]))).status == 204


@WORKERS
def test_an_idempotency_key_is_its_subjects(workers: int, guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat(), workers=workers)
    for number in range(8):
        keyed = with_fields(POST, [("Idempotency-Key", f"key-{number}")])
        runs = [ask(gateway.address, *showing(token("alice", jti=str(n)), keyed)) for n in range(3)]
        assert [data(run) for run in runs] == [CHAT] * 3
        assert len({run.run for run in runs}) == 1
        assert ask(gateway.address, *showing(token("bob"), keyed)).run != runs[0].run
    assert_requests(orchestrator, 16)


def test_the_same_name_of_another_issuer_is_somebody_else(guard: Guard) -> None:
    _, gateway = guard(scripted.chat())
    run = ask(gateway.address, *showing(token("alice", iss="https://a.example/"))).run
    assert ask(gateway.address, *showing(token("alice", iss="https://a.example/"), join(run))).status == 200
    for issuer in (None, "https://b.example/"):
        assert_problem(ask(gateway.address, *showing(token("alice", iss=issuer), join(run))), 403)


def test_what_else_a_client_shows_is_not_who_it_is(guard: Guard) -> None:
    settings = {"identity": {"headers": ["X-User"], "cookies": ["sid"]}}
    _, gateway = guard(scripted.chat(), **settings)
    run = ask(gateway.address, *with_fields(showing(token()), [("X-User", "1"), ("Cookie", "sid=1")])).run
    assert ask(gateway.address, *with_fields(showing(token(), join(run)), [("X-User", "2")])).status == 200
    assert_problem(ask(gateway.address, *with_fields(showing(token("bob"), join(run)), [("X-User", "1")])), 403)


@WORKERS
def test_limits_count_subjects(workers: int, guard: Guard, connect: Connect) -> None:
    limit = {"name": "mine", "per": ["principal"], "streams": 2, "when_full": "refuse"}
    orchestrator, gateway = guard(scripted.gated(Gate()), limits=[limit], workers=workers)
    for number in range(2):
        assert connect(gateway.address).ask(*showing(token("alice", jti=str(number)))).status == 200
    refused = ask(gateway.address, *showing(token("alice", jti="2")))
    assert_problem(refused, 429)
    assert refused.json["limit"] == "mine"
    assert connect(gateway.address).ask(*showing(token("bob"))).status == 200
    assert_unauthenticated(ask(gateway.address, *GET), "token_missing")
    eventually(lambda: len(orchestrator.requests) == 3, "those that were let in reach the orchestrator")


def test_connections_of_those_who_are_not_let_in_count_too(guard: Guard, connect: Connect) -> None:
    limit = {"name": "connections", "per": ["client"], "connections": 2}
    _, gateway = guard(scripted.chat(), limits=[limit])
    statuses = []
    for _ in range(4):
        answer = connect(gateway.address).ask(*GET)
        answer.read_all()
        statuses.append(answer.status)
    assert statuses == [401, 401, 429, 429]


# Routes


def test_a_route_may_ask_for_something_else_or_for_nothing(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    settings = chat(orchestrator.url, authentication=believing(tmp_path, issuer_key("ES256")))
    (route,) = settings["routes"]
    other = {"jwt": {"secret": str(put(tmp_path / "other", issuer_key("HS256").private))}}
    settings["routes"] += [
        {**route, "path": "/open", "authentication": {}},
        {**route, "path": "/other", "authentication": other},
    ]
    gateway = start_gateway(settings)
    usual, others = token(key=issuer_key("ES256")), token(key=issuer_key("HS256"))
    run = ask(gateway.address, "GET", "/open").run
    assert data(ask(gateway.address, "GET", "/open", [bearer("nonsense")])) == CHAT
    assert_refused(gateway, others, "token_algorithm")
    assert_admitted(gateway, usual)
    for shown, word in ((usual, "token_algorithm"), (spoiled(others, 2), "token_signature")):
        assert_unauthenticated(ask(gateway.address, "GET", "/other", [bearer(shown)]), word)
    assert data(ask(gateway.address, "GET", "/other", [bearer(others)])) == CHAT
    # The way to a run by its name asks what the gateway as a whole asks.
    for method in ("GET", "HEAD", "DELETE"):
        assert ask(gateway.address, method, join(run)[1]).status == 401
        assert ask(gateway.address, method, join(run)[1], [bearer(others)]).status == 401
    assert data(ask(gateway.address, *showing(usual, join(run)))) == CHAT, "nobody's run is opened by its id"


def test_without_a_global_setting_the_way_to_a_run_asks_nobody(
    start_orchestrator: StartOrchestrator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    orchestrator = start_orchestrator(scripted.chat())
    settings = chat(orchestrator.url)
    (route,) = settings["routes"]
    settings["routes"] += [{**route, "path": "/asks", "authentication": believing(tmp_path, issuer_key())}]
    gateway = start_gateway(settings)
    assert_unauthenticated(ask(gateway.address, "GET", "/asks"), "token_missing")
    run = ask(gateway.address, *GET).run
    assert data(ask(gateway.address, *join(run))) == CHAT
    mine = ask(gateway.address, "GET", "/asks", [bearer(token())]).run
    assert_problem(ask(gateway.address, *join(mine)), 403)


def test_a_reload_asks_new_requests_and_live_runs_go_on(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    gate = Gate()
    orchestrator, gateway = serve(scripted.gated(gate))
    live = connect(gateway.address).ask(*GET)
    live.read_events(3)
    settings = chat(orchestrator.url, authentication=believing(tmp_path, issuer_key()))
    reload(gateway, settings)
    gateway.wait_for_log("reloaded")
    eventually(lambda: ask(gateway.address, "HEAD", TARGET).status == 401, "new requests are asked")
    put(tmp_path / "none.pem", b"no key")
    reload(gateway, {**settings, "authentication": {"jwt": {"keys": str(tmp_path / "none.pem")}}})
    gateway.wait_for(lambda: "none.pem" in gateway.stderr, "the mistake is logged")
    assert_unauthenticated(ask(gateway.address, *GET), "token_missing")
    gate.open()
    assert_admitted(gateway, token())
    assert data(live) == CHAT


def test_a_feed_is_its_subjects(guard_feed: GuardFeed, connect: Connect) -> None:
    source, gateway = guard_feed()
    assert_unauthenticated(ask(gateway.address, *NEWS), "token_missing")
    answers = [connect(gateway.address).ask(*showing(token(who, jti=str(n)), NEWS)) for n in (0, 1) for who in "ab"]
    source.wait_for_subscribers(2)
    source.say("one")
    for answer in answers:
        assert [event.data for event in answer.read_events(1)] == ["one"]
    assert len(source.requests) == 2


# The end of a token

ENDS = {"ends_stream": True, "leeway": "0s"}
EXPIRED = ("sluice.expired", {"reason": "token_expired"})


def brief(subject: str = "alice") -> str:
    """A token that is good for two seconds, or a little more."""
    return token(subject, exp=int(time.time()) + 3)


def assert_ends_because_of_its_token(answer: Answer) -> list[str]:
    """The answer comes to a clean end with the news that its token has expired; returns the data of what came before."""
    answer.read_all()
    *events, last = answer.events
    assert (last.type, last.json) == EXPIRED
    assert last.id == (events[-1].id if events else answer.stream.last_event_id), "no id of its own"
    return [event.data for event in events]


@WORKERS
@both_methods
def test_a_stream_ends_with_its_token_and_a_new_one_takes_it_up(
    request_line: Ask, workers: int, guard: Guard, connect: Connect
) -> None:
    gate = Gate()
    orchestrator, gateway = guard(scripted.gated(gate), jwt=ENDS, workers=workers, route={"on_abandoned": "linger 20s"})
    old = brief()
    answer = connect(gateway.address).ask(*showing(old, request_line))
    lasting = connect(gateway.address).ask(*showing(token(), join(answer.run)))
    assert assert_ends_because_of_its_token(answer) == CHAT[:3]
    gateway.finished(reason="token_expired", status="200", run=answer.run)
    assert_unauthenticated(
        ask(gateway.address, *showing(old, resuming(request_line, answer.stream.last_event_id))), "token_expired"
    )
    assert not orchestrator.exchange().abandoned
    again = connect(gateway.address).ask(*showing(token(), resuming(request_line, answer.stream.last_event_id)))
    gate.open()
    assert data(again) == CHAT[3:]
    assert data(lasting) == CHAT, "another reader's token is its own"
    assert numbers(answer.events[:-1]) + numbers(again.events) == list(range(1, len(CHAT) + 1))
    assert_requests(orchestrator, 1)


def test_the_connection_of_a_stream_that_has_ended_may_be_used_again(guard: Guard, connect: Connect) -> None:
    _, gateway = guard(scripted.gated(Gate()), jwt=ENDS)
    connection = connect(gateway.address)
    assert assert_ends_because_of_its_token(connection.ask(*showing(brief()))) == CHAT[:3]
    assert connection.ask(*showing(token())).status == 200


def test_the_orchestrators_request_ends_with_the_last_token(guard: Guard, connect: Connect) -> None:
    orchestrator, gateway = guard(scripted.endless(CHAT[3]), jwt=ENDS)
    assert assert_ends_because_of_its_token(connect(gateway.address).ask(*showing(brief())))
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")


def test_a_feed_ends_with_its_token(guard_feed: GuardFeed, connect: Connect) -> None:
    source, gateway = guard_feed(ENDS)
    answer = connect(gateway.address).ask(*showing(brief(), NEWS))
    lasting = connect(gateway.address).ask(*showing(token(), NEWS))
    source.wait_for_subscribers()
    source.say("one", id="1")
    assert assert_ends_because_of_its_token(answer) == ["one"]
    source.say("two", id="2")
    assert [event.data for event in lasting.read_events(2)] == ["one", "two"]
    assert_unauthenticated(
        ask(gateway.address, *showing(token(exp=int(time.time()) - 1), resuming(NEWS, "1"))), "token_expired"
    )
    again = connect(gateway.address).ask(*showing(token(), resuming(NEWS, "1")))
    assert [event.data for event in again.read_events(1)] == ["two"]
    assert len(source.requests) == 1


def test_an_answer_that_has_not_begun_ends_with_its_token_too(guard: Guard, connect: Connect) -> None:
    orchestrator, gateway = guard(scripted.stall, jwt=ENDS, route=PATIENT)
    answer = connect(gateway.address).ask(*showing(brief(), POST))
    assert_unauthenticated(answer, "token_expired")
    gateway.finished(status="401", reason="token_expired")
    eventually(lambda: orchestrator.exchange().abandoned, "the upstream request ends")


def test_a_stream_outlives_its_token_where_nobody_minds(guard: Guard, connect: Connect) -> None:
    gate = Gate()
    _, gateway = guard(scripted.gated(gate), jwt={"leeway": "0s"})
    old = brief()
    answer = connect(gateway.address).ask(*showing(old))
    eventually(lambda: ask(gateway.address, "HEAD", TARGET, [bearer(old)]).status == 401, "the token has expired")
    gate.open()
    assert data(answer) == CHAT


@pytest.mark.parametrize("expires", [10**10, 2**53, 10**18, 1e300])
def test_a_token_that_expires_in_another_age_ends_nothing(expires: float, guard: Guard) -> None:
    _, gateway = guard(scripted.chat(), jwt=ENDS)
    for _ in range(3):
        assert_admitted(gateway, token(exp=expires))


def test_a_run_that_comes_to_its_end_is_not_ended_by_a_token(guard: Guard, connect: Connect) -> None:
    _, gateway = guard(scripted.chat(), jwt=ENDS)
    old = brief()
    connection: Connection = connect(gateway.address)
    assert data(connection.ask(*showing(old))) == CHAT
    eventually(lambda: ask(gateway.address, *showing(old)).status == 401, "the token has expired")
    # Nothing has come behind the answer.
    assert data(connection.ask(*showing(token()))) == CHAT
    assert not gateway.logged("request", reason="token_expired")


@both_places
def test_a_finished_run_is_resumed_with_a_token_and_not_without(place: str, guard: Guard) -> None:
    orchestrator, gateway = guard(scripted.chat())
    run = ask(gateway.address, *showing(token())).run
    for request in (resuming(GET, f"{run}.4", place), resuming(POST, f"{run}.4", place)):
        assert_unauthenticated(ask(gateway.address, *request), "token_missing")
        assert data(ask(gateway.address, *showing(token(), request))) == CHAT[4:]
    assert_requests(orchestrator, 1)
