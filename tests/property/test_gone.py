"""Who is gone, a bit each, against an array of all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detente.picture.gone import ALL_STAND, alive_of, gone_of, less, standing_of, stands

FEW = st.lists(st.booleans(), max_size=40)


@given(alive=FEW)
def test_bits_say_what_an_array_says(alive: list[bool]) -> None:
    told = gone_of(np.array(alive, dtype=np.bool_))
    assert alive_of(told, len(alive)).tolist() == alive
    assert [bool(stands(told, owner)) for owner in range(len(alive))] == alive
    owners = np.arange(len(alive))[::-1]
    assert standing_of(told, owners).tolist() == alive[::-1]


@given(data=st.data(), alive=FEW)
def test_more_are_gone_and_the_former_bits_stay(data: st.DataObject, alive: list[bool]) -> None:
    before = gone_of(np.array(alive, dtype=np.bool_))
    kept = before.copy()
    owners = data.draw(st.lists(st.sampled_from(range(len(alive))), unique=True) if alive
                       else st.just([]))  # fmt: skip
    after = less(before, len(alive), owners)
    expected = [stand and owner not in owners for owner, stand in enumerate(alive)]
    assert alive_of(after, len(alive)).tolist() == expected
    assert before.tolist() == kept.tolist()
    assert not len(ALL_STAND)
