"""Knowledge that the workspace's tests fail with, on the command line: held back, listed, published anyway."""

from pathlib import Path

from .homes import Home

ASKED = "How much is standard delivery?"
TESTS = f"""schema: kefu.flow-test/v1
tests:
  - name: delivery
    turns:
      - say: {ASKED}
        expect: {{answer: "12"}}
"""


def sheet(folder: Path, price: int) -> str:
    path = folder / "faq.csv"
    path.write_text(f"question,answer\n{ASKED},Standard delivery costs {price} dollars.\n", encoding="utf-8")
    return str(path)


def test_what_tests_fail_with_is_held_back_listed_and_published(home: Home, tmp_path: Path) -> None:
    (tmp_path / "flows" / "tests").mkdir(parents=True)
    (tmp_path / "flows" / "tests" / "delivery.yaml").write_text(TESTS, encoding="utf-8")
    home.kefu("knowledge", "add", sheet(tmp_path, 12))
    assert home.kefu("flow", "push", str(tmp_path / "flows")).code == 0
    assert home.kefu("knowledge", "add", sheet(tmp_path, 15), "--json").json["held"] == ["faq.csv"]
    listed = home.kefu("knowledge", "list")
    assert "1 of 1 tests fail with it" in listed.out
    assert home.kefu("knowledge", "remove", "faq.csv").code == 1
    assert "12 dollars" in home.kefu("ask", ASKED).out
    assert home.kefu("knowledge", "publish", "faq.csv", "--reason", "new prices").code == 0
    assert "15 dollars" in home.kefu("ask", ASKED).out
