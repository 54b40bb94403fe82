"""Parameters that are stated as fields: signatures, defaults, ranges, and what may be left out."""

import inspect
import pickle
from typing import Any

import pytest
from sklearn.base import BaseEstimator, clone

from sklearn_sifal._exceptions import InvalidParameterError
from sklearn_sifal._fields import (
    HasFields,
    attribute,
    choice,
    flag,
    integer,
    parameter,
    real,
)


class Animal(HasFields, BaseEstimator):
    legs: int = integer(0, 100, default=4)
    name: str | None = parameter(default=None)
    size: float = real(0, default=1.0, open_low=True, kw_only=False)
    state_ = 3


class Bird(Animal):
    legs = 2
    song: str = choice("loud", "soft", default="soft")
    size = 0.1


class Fish(Animal):
    fins: int = integer(1, default=6)
    legs: int = attribute(0)
    swims: bool = flag(default=True)


class Mammal(Animal):
    diet: Any = parameter(kw_only=False)


def parameters_of(cls: type) -> dict[str, Any]:
    return {name: p.default for name, p in inspect.signature(cls).parameters.items()}


def test_positional_ones_come_first_then_the_own_ones() -> None:
    assert list(parameters_of(Bird).items()) == [
        ("size", 0.1),
        ("song", "soft"),
        ("legs", 2),
        ("name", None),
    ]
    assert str(inspect.signature(Animal)) == (
        "(size: float = 1.0, *, legs: int = 4, name: str | None = None) -> None"
    )
    assert Bird._get_param_names() == sorted(parameters_of(Bird))


def test_an_attribute_is_no_parameter() -> None:
    assert list(parameters_of(Fish)) == ["size", "fins", "swims", "name"]
    assert Fish.legs == Fish().legs == 0
    assert Animal.state_ == 3
    with pytest.raises(TypeError, match=r"^Fish.__init__\(\) got an unexpected keyword .*'legs'"):
        Fish(legs=2)


def test_a_property_in_its_place_takes_a_parameter_out() -> None:
    class Snake(Animal):
        @property
        def legs(self) -> int:  # type: ignore[override]
            return 0

    assert "legs" not in parameters_of(Snake)
    assert Snake().legs == 0


def test_values_are_stored_as_given() -> None:
    bird = Bird(3, song="none", name="Ada")
    assert bird.get_params() == {"size": 3, "song": "none", "name": "Ada", "legs": 2}
    assert clone(bird).get_params() == bird.get_params()
    assert pickle.loads(pickle.dumps(bird)).get_params() == bird.get_params()
    assert repr(bird) == "Bird(name='Ada', size=3, song='none')"
    assert bird.set_params(legs=1).legs == 1


@pytest.mark.parametrize(
    "args, kwargs, match",
    [
        ((1, 2), {}, "takes from 1 to 2 positional"),
        ((), {"wings": 2}, "unexpected keyword argument 'wings'"),
        ((1,), {"size": 2}, "multiple values for argument 'size'"),
    ],
)
def test_wrong_arguments_are_refused(args: Any, kwargs: Any, match: str) -> None:
    with pytest.raises(TypeError, match=rf"^Bird.__init__\(\) .*{match}"):
        Bird(*args, **kwargs)


def test_a_parameter_without_a_default_is_required() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'diet'"):
        Mammal()
    assert not hasattr(Mammal, "diet")
    assert Mammal("grass").diet == "grass"


@pytest.mark.parametrize(
    "animal, message",
    [
        (Animal(legs=101), "'legs' parameter of Animal must be an integer in the range [0, 100]"),
        (Bird(0), "'size' parameter of Bird must be a number in the range (0, inf)"),
        (Bird(legs=-1), "'legs' parameter of Bird must be an integer"),
        (Bird(song="off"), "'song' parameter of Bird must be one of {'loud', 'soft'}"),
        (Fish(swims=1), "'swims' parameter of Fish must be a bool"),
    ],
)
def test_ranges_are_checked_when_asked_for(animal: Animal, message: str) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        animal._check_fields()
    assert message in str(raised.value)


def test_what_is_in_range_passes() -> None:
    for animal in (Animal(), Bird(2, song="loud"), Fish(swims=False), Mammal("grass", legs=0)):
        animal._check_fields()


class Old(Animal):
    """Has an __init__ of its own, as classes had before there were fields."""

    def __init__(self, age: int = 1, *, legs: int = 4) -> None:
        super().__init__(legs=legs)
        self.age = age


class Bare(Animal):
    def __init__(self, age: int = 1) -> None:
        self.age = age


class Older(Old):
    legs = 3


def test_a_written_init_is_left_alone() -> None:
    assert list(parameters_of(Old)) == ["age", "legs"]
    assert clone(Old(5, legs=2)).get_params() == {"age": 5, "legs": 2}
    assert (Bare().size, Bare().legs) == (1.0, 4)
    assert Older(2).legs == 4  # what its __init__ says
    with pytest.raises(InvalidParameterError, match="'legs' parameter of Old"):
        Old(legs=-1)._check_fields()


def test_fields_below_a_written_init_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Young states toys as fields, and inherits an __init__"):

        class Young(Old):
            toys: int = integer(0, default=1)


def test_of_several_bases_the_nearest_counts() -> None:
    class Swimming(Animal):
        fins: int = integer(0, default=2)

    class Duck(Swimming, Bird):
        pass

    assert parameters_of(Duck) == {
        "size": 0.1,
        "fins": 2,
        "song": "soft",
        "legs": 2,
        "name": None,
    }
