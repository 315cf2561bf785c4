"""Which channels talk with each other, and the phone behind a Local channel."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.ami.bridges import Bridges


def bridges(*moves: tuple[str, str]) -> Bridges:
    """Bridges after so many BridgeEnter: bridge and channel."""
    made = Bridges()
    for bridge, channel in moves:
        made.enter(bridge, channel)
    return made


def test_company_is_another_channel_in_the_bridge() -> None:
    """Alone in a bridge, or in none, is no company."""
    made = bridges(("B", "p"))
    assert not made.has_company("p")
    made.enter("B", "c")
    assert made.has_company("p")
    assert made.has_company("c")
    assert not made.has_company("x")


def test_leaving_names_who_is_left_alone() -> None:
    """One of three leaves nobody alone, one of two leaves the other, the last leaves nobody."""
    made = bridges(("B", "p"), ("B", "c"), ("B", "t"))
    assert [made.leave("t"), made.leave("c"), made.leave("p"), made.leave("p")] == [None, "p", None, None]
    assert made._channels == {}


def test_a_channel_is_in_one_bridge() -> None:
    """Entering another bridge leaves the one before."""
    made = bridges(("B", "p"), ("B", "c"), ("B2", "p"))
    assert not made.has_company("c")
    made.enter("B2", "p")
    assert made.company_and_halves("p") == {"p"}


def test_a_hang_up_forgets_the_channel_and_its_pair() -> None:
    """Nothing is known of either half any more as halves."""
    made = bridges(("B", "L1"), ("B", "c"))
    made.pair("L1", "L2")
    made.hang_up("L1")
    assert (made.phone_behind("L1"), made.phone_behind("L2"), made.has_company("c")) == ("L1", "L2", False)
    made.hang_up("L1")


def test_the_phone_behind_local_channels() -> None:
    """The other half's one companion is it, also through more than one pair; until that shows, the last one known."""
    made = Bridges()
    assert made.phone_behind("p") == "p"
    made.pair("L1", "L2")
    assert made.phone_behind("L1") == "L1"
    made.enter("B2", "L2")
    assert made.phone_behind("L1") == "L1"
    made.enter("B2", "M1")
    assert made.phone_behind("L1") == "M1"
    made.pair("M1", "M2")
    made.enter("B3", "M2")
    made.enter("B3", "p")
    assert made.phone_behind("L1") == "p"
    made.enter("B3", "other")
    assert made.phone_behind("L1") == "M1"


def test_a_ring_of_local_channels_ends_the_search() -> None:
    """Halves that lead back to where one came from are no phone, and no endless way."""
    made = bridges(("B", "L2"), ("B", "M1"), ("B2", "M2"), ("B2", "L1"))
    made.pair("L1", "L2")
    made.pair("M1", "M2")
    assert made.phone_behind("L1") in {"L1", "M1"}


def test_those_near_a_channel_are_its_company_and_their_halves() -> None:
    """A Local half in the bridge brings its other half."""
    made = bridges(("B", "p"), ("B", "L2"))
    made.pair("L1", "L2")
    assert made.company_and_halves("p") == {"p", "L2", "L1"}
    assert made.company_and_halves("L1") == {"L1", "L2"}


def test_a_list_of_channels_is_taken_over_whole() -> None:
    """What it does not have is forgotten; a channel without a bridge is in none."""
    made = bridges(("B", "p"), ("B", "c"))
    made.pair("L1", "L2")
    made.replace({"q": "B9", "d": "B9", "e": ""}, [("M1", "M2")])
    assert (made.has_company("p"), made.has_company("q"), made.has_company("e")) == (False, True, False)
    made.enter("B8", "M2")
    made.enter("B8", "x")
    assert (made.phone_behind("M1"), made.phone_behind("L1")) == ("x", "L1")


@given(st.lists(st.tuples(st.sampled_from("elhp"), st.sampled_from("abcd"), st.sampled_from("abcdxy")), max_size=60))
def test_every_channel_is_where_it_entered_last(moves: list[tuple[str, str, str]]) -> None:
    """After any moves company is exactly what the last moves of the channels say, and the search for a phone ends."""
    made, where = Bridges(), dict[str, str]()
    for move, bridge, channel in moves:
        match move:
            case "e":
                made.enter(bridge, channel)
                where[channel] = bridge
            case "l":
                alone = made.leave(channel)
                left = where.pop(channel, None)
                rest = [each for each, here in where.items() if here == left] if left else []
                assert alone == (rest[0] if len(rest) == 1 else None)
            case "h":
                made.hang_up(channel)
                where.pop(channel, None)
            case _:
                made.pair(bridge, channel)
        for each in "abcdxy":
            company = [other for other, here in where.items() if other != each and here == where.get(each)]
            assert made.has_company(each) == bool(company)
            made.phone_behind(each)
