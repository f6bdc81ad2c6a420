"""The commands of auditors and partners."""

import json
from typing import Any

from click.testing import CliRunner

from app.cli import main

HONEY = "09520010100015"


def asked(*words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a command; give its exit code and what it says."""
    result = CliRunner().invoke(main, list(words))
    return result.exit_code, [json.loads(line) for line in result.output.splitlines()]


def test_link_parse_says_what_every_uri_names_and_fails_when_one_is_invalid() -> None:
    good = f"https://a.example/x/01/{HONEY}/10/A%2F1?17=261231&utm=1"
    code, said = asked("link", "parse", good)
    assert code == 0
    assert said == [
        {
            "uri": good,
            "valid": True,
            "stem": "https://a.example/x",
            "key": "01",
            "path": {"01": HONEY, "10": "A/1"},
            "attributes": {"17": "261231"},
            "others": ["utm=1"],
            "elementString": f"^01{HONEY}10A/1^17261231",
            "bracketed": f"(01){HONEY}(10)A/1(17)261231",
            "canonical": f"https://id.gs1.org/01/{HONEY}/10/A%2F1?17=261231",
        }
    ]
    code, said = asked("link", "parse", good, f"https://a.example/01/{HONEY}?10=A")
    assert code == 1
    assert [answer["valid"] for answer in said] == [True, False]
    assert said[1]["error"] == "code_unreadable"


def test_link_parse_reads_an_epc_binary_string() -> None:
    code, said = asked("link", "parse", "https://a.example/eh30164596f40c0e5cbe991a83")
    assert code == 0
    assert said[0]["canonical"] == "https://id.gs1.org/01/09528765123457/21/123456789123"


def test_link_build_takes_brackets_or_pairs_and_refuses_what_no_uri_can_say() -> None:
    for words in ([f"(10)A/1(01){HONEY}"], [f"01={HONEY}", "10=A/1"]):
        code, said = asked("link", "build", "--stem", "https://a.example/", *words)
        assert code == 0
        assert said[0]["uri"] == f"https://a.example/01/{HONEY}/10/A%2F1"
    for words in (["(10)A1"], [f"(01){HONEY[:-1]}6"], [f"(01){HONEY}(37)5"], ["nothing"]):
        code, said = asked("link", "build", *words)
        assert code == 1
        assert said[0]["valid"] is False
