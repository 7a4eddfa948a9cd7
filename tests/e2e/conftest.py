"""What the tests of the whole product share."""

from tests.e2e.running import up  # noqa: F401 a fixture
