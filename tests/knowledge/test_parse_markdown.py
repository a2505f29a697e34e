"""Markdown: no markup is left, and nothing a reader sees is lost."""

from kefu.knowledge.parsing import ParsedDocument, parse


def document(source: str, name: str = "page.md", url: str | None = None) -> ParsedDocument:
    (parsed,) = parse(name, source.encode(), url=url).documents
    assert all(parsed.text[s.start :].startswith(s.heading + "\n") for s in parsed.sections[:-1])
    return parsed


def test_headings_are_sections_at_their_offsets() -> None:
    page = document("# Refunds & *fees*\n\nText.\n\nHow long?\n---------\n\n5 days.\n")
    assert page.text == "Refunds & fees\n\nText.\n\nHow long?\n\n5 days."
    assert [(s.level, s.heading, s.start) for s in page.sections] == [(1, "Refunds & fees", 0), (2, "How long?", 23)]
    assert page.title == "Refunds & fees"


def test_front_matter_gives_the_title_and_is_left_out() -> None:
    page = document("---\ntitle: \"Getting your money back\"\naliases: ['/a/']\n---\n\n# Refunds\n\nText.\n")
    assert page.title == "Getting your money back"
    assert page.text == "Refunds\n\nText."
    assert document("+++\ntitle = 'T'\n+++\nText.\n").title == "T"
    assert document("Text.\n\n---\n\nMore.\n").text == "Text.\n\nMore."


def test_lists_keep_bullets_numbers_and_nesting() -> None:
    page = document("You need:\n\n- a *passport*\n  - not expired\n- a photo\n\n  in colour\n\n3. Open\n4. Press\n")
    assert page.text == ("You need:\n\n- a passport\n  - not expired\n- a photo\n  in colour\n\n3. Open\n4. Press")


def test_a_step_with_code_keeps_its_number() -> None:
    page = document("1. Run this:\n\n   ```sh\n   tiup update\n     --self\n   ```\n\n2. Wait.\n")
    assert page.text == "1. Run this:\n\ntiup update\n  --self\n\n2. Wait."


def test_tables_are_rows_of_cells_and_long_ones_repeat_their_header() -> None:
    assert document("|Plan|Price|\n|-|-|\n|Basic|`5`|\n").text == "Plan | Price\nBasic | 5"
    rows = "".join(f"|Plan number {i}|{i} dollars a month|\n" for i in range(30))
    page = document(f"|Plan|Price|\n|-|-|\n{rows}")
    groups = page.text.split("\n\n")
    assert len(groups) > 2
    assert all(group.startswith("Plan | Price\nPlan number") for group in groups)
    assert page.text.count("Plan number") == 30


def test_addresses_that_a_reader_needs_are_kept() -> None:
    page = document(
        "See [the portal](https://shop.example/returns), <https://shop.example/faq>, [shop.example/faq](https://shop.example/faq),"
        " [us](mailto:help@shop.example?subject=x), [call](tel:+15550100), [above](#top) and [here](/local.md)."
    )
    assert page.text == (
        "See the portal (https://shop.example/returns), https://shop.example/faq, shop.example/faq,"
        " us (help@shop.example), call (+15550100), above and here."
    )


def test_local_links_are_kept_when_the_page_has_an_address() -> None:
    page = document("See [here](b.md) and [above](#x).", url="https://shop.example/help/a.md")
    assert page.text == "See here (https://shop.example/help/b.md) and above."
    assert page.url == "https://shop.example/help/a.md"


def test_html_inside_is_read_like_a_page() -> None:
    page = document(
        "A <!-- secret --> b<br>c <span style='display:none'>secret</span>\n\n"
        "<details><summary>How long?</summary>\n\n5 days.\n\n</details>\n\n<script>secret</script>\n"
    )
    assert "secret" not in page.text
    assert page.text == "A b\nc\n\nHow long?\n\n5 days."
    assert [section.heading for section in page.sections] == ["How long?"]


def test_placeholders_and_code_are_not_taken_for_html() -> None:
    assert document("Run mysql -u <user> -p and `<b>`.").text == "Run mysql -u <user> -p and <b>."


def test_template_calls_and_pictures() -> None:
    page = document('{{< copyable "sql" >}}\n\nPress ![the return button](b.png) twice.\n')
    assert page.text == "Press the return button twice."


def test_characters_that_hide_text_are_removed() -> None:
    assert document("pay\u202eback\u200b now\u00a0please").text == "payback now please"
