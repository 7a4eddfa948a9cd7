"""Keys: which app a key opens, what a wrong setting is told, and that no key is ever printed."""

import pytest

from consumers.access import KEY_CHARACTERS_MAX, KEYS_MAX, Keys, bearer, key_for, opens, same


def test_a_key_opens_the_apps_it_stands_at_and_no_other() -> None:
    keys = Keys.parse("shop=k1,game=k2,game=k1")
    assert keys.grant("k1") == {"shop", "game"}
    assert keys.grant("k2") == {"game"}
    assert keys.grant("k3") is None
    assert keys.grant(None) is None
    assert keys.grant("") is None


def test_an_app_may_have_several_keys_so_that_they_can_be_changed() -> None:
    keys = Keys.parse("shop=old\nshop=new\n", one_app=True)
    assert keys.app("old") == keys.app("new") == "shop"
    assert keys.app("older") is None


def test_a_star_opens_every_app() -> None:
    grant = Keys.parse("*=all,shop=one").grant("all")
    assert grant is not None
    assert opens(grant, "anything")
    one = Keys.parse("shop=one").grant("one")
    assert one is not None
    assert opens(one, "shop")
    assert not opens(one, "shop2")


def test_a_key_may_hold_signs_such_as_those_of_base64() -> None:
    assert Keys.parse("shop = a+/b== ").grant("a+/b==") == {"shop"}


def test_whoever_has_the_setting_finds_a_key_that_opens_the_app() -> None:
    text = "shop=k1, game=k2, *=k3"
    assert [key_for(text, app) for app in ("shop", "game", "chess", None)] == ["k1", "k2", "k3", "k1"]
    assert key_for("shop=k1", "game") is None


def test_without_keys_there_are_none() -> None:
    assert not Keys.parse(" ,\n")
    assert Keys.parse("a=b")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("shop=a,hunter2", "entry 2 is not app=key"),
        ("Shop=hunter2", "entry 1 is not app=key"),
        ("shop=", "entry 1 is not app=key"),
        ("shop=hunter2 hunter2", "entry 1"),
        ("shop=hunter2\u00e4", "entry 1"),
        ("shop=hunter2" + "x" * KEY_CHARACTERS_MAX, "entry 1"),
        (",".join(f"a{n}=hunter2{n}" for n in range(KEYS_MAX + 1)), f"more than {KEYS_MAX}"),
    ],
)
@pytest.mark.parametrize("one_app", [False, True])
def test_a_wrong_entry_is_named_by_its_number_and_not_repeated(text: str, why: str, one_app: bool) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        Keys.parse(text, one_app=one_app)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["*=hunter2", "shop=hunter2,game=hunter2"])
def test_a_key_that_must_name_one_app_names_one(text: str) -> None:
    assert Keys.parse(text)
    with pytest.raises(ValueError, match="entry") as caught:
        Keys.parse(text, one_app=True)
    assert "hunter2" not in str(caught.value)


def test_keys_are_not_kept_in_clear() -> None:
    keys = Keys.parse("shop=hunter2")
    assert "hunter2" not in repr(keys) + repr(vars(keys))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_token_is_what_stands_behind_bearer(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def test_a_key_is_the_same_as_itself_only_and_no_key_is_no_key() -> None:
    assert same("abc", "abc")
    for shown in ("ab", "abcd", "", None, "\udcff"):
        assert not same(shown, "abc")
    assert not same("", "")
    assert not same(None, "")
