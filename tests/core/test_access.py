"""Keys: what they cover, what of them is stored, and what is said of a setting that is broken."""

import hashlib
import json

import pytest

from report.api.access import grant_of, hash_of, main, parse_api_keys


def test_a_key_is_known_by_its_sha_256_in_either_case() -> None:
    key_hash = hashlib.sha256("Schlüssel".encode()).hexdigest()
    assert hash_of("Schlüssel") == key_hash
    for stored in (key_hash, key_hash.upper()):
        grant = grant_of("Schlüssel", parse_api_keys(json.dumps({stored: [1, 7]})))
        assert grant is not None
        assert [client for client in range(9) if grant.covers(client)] == [1, 7]


def test_a_key_is_looked_up_among_all_and_no_other_text_opens() -> None:
    grants = parse_api_keys(json.dumps({hash_of(f"key {number}"): [number] for number in (1, 2, 3)}))
    for number in (1, 2, 3):
        grant = grant_of(f"key {number}", grants)
        assert grant is not None
        assert grant.clients == {number}
    for unknown in ("", "key 4", "key", hash_of("key 1"), "\udcff"):
        assert grant_of(unknown, grants) is None


def test_a_star_covers_every_client() -> None:
    grant = grant_of("a key", parse_api_keys(json.dumps({hash_of("a key"): "*"})))
    assert grant is not None
    assert grant.covers(1)
    assert grant.covers(2**63 - 1)


NO_HASH = "API_KEYS has a name that is not the SHA-256 of a key (64 hex digits)"
NO_OBJECT = 'API_KEYS has an object that is not like {"clients": [1, 2], "customers": false}'
NO_LIST = 'API_KEYS has a value that is neither a list of client ids, such as [1, 2], nor "*"'


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("{", "API_KEYS is not JSON"),
        ("[]", 'API_KEYS is not a JSON object, such as {"<SHA-256 of the key>": [1, 2]}'),
        (json.dumps({"a secret": [1]}), NO_HASH),
        (json.dumps({hash_of("a key")[1:]: [1]}), NO_HASH),
        (json.dumps({hash_of("a key") + "0": [1]}), NO_HASH),
        (json.dumps({"g" * 64: [1]}), NO_HASH),
        *((json.dumps({hash_of("a key"): bad}), NO_LIST) for bad in ("all", 1, None, [0], [1, "2"], [True], [1.0])),
        (json.dumps({hash_of("a key"): {"clients": {}}}), NO_LIST),
        *(
            (json.dumps({hash_of("a key"): bad}), NO_OBJECT)
            for bad in ({}, {"customers": True}, {"clients": [1], "customers": "no"}, {"clients": [1], "customer": False})
        ),
    ],
)
def test_a_broken_setting_is_explained_and_never_quoted(setting: str, said: str) -> None:
    with pytest.raises(ValueError, match="API_KEYS") as found:
        parse_api_keys(setting)
    assert str(found.value) == said
    assert found.value.__suppress_context__ or found.value.__context__ is None  # whose message would quote it


def test_a_key_reads_personal_data_unless_its_entry_says_that_it_may_not() -> None:
    entries = {"a": [1], "b": "*", "c": {"clients": [1]}, "d": {"clients": "*", "customers": False}}
    grants = parse_api_keys(json.dumps({hash_of(key): entry for key, entry in entries.items()}))
    found = {key: grant for key in entries if (grant := grant_of(key, grants))}
    assert {key: grant.customers for key, grant in found.items()} == {"a": True, "b": True, "c": True, "d": False}
    assert {key: grant.clients for key, grant in found.items()} == {"a": {1}, "b": None, "c": {1}, "d": None}


@pytest.mark.parametrize(("arguments", "covered"), [([], [1, 2, 3]), (["1", "3"], [1, 3])])
def test_a_new_key_is_told_once_with_the_entry_that_knows_it(arguments: list[str], covered: list[int]) -> None:
    told, again = main(arguments).split("\n"), main(arguments).split("\n")
    assert told[0] == "The key, shown only now, for the header X-API-Key:"
    assert told[2:4] == ["", "The entry to add to API_KEYS:"]
    assert told[5:] == [""]
    assert len(told[1]) == 43  # 32 bytes, more than anybody guesses
    assert told[1] != again[1]
    grant = grant_of(told[1], parse_api_keys(told[4]))
    assert grant is not None
    assert [client for client in (1, 2, 3) if grant.covers(client)] == covered


@pytest.mark.parametrize("argument", ["0", "-1", "all"])
def test_no_key_is_made_for_what_is_no_client(argument: str) -> None:
    with pytest.raises(ValueError, match=r"client ids|invalid literal"):
        main([argument])
