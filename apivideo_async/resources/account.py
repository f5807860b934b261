"""The account, an operation of the older API (service.md#legacy-operations)."""

from ..models import Account
from ._resource import Resource

__all__ = ["Accounts"]


class Accounts(Resource):
    """``client.account``."""

    async def get(self) -> Account:
        """Return quota, features and environment (``GET /account``, reads).

        The specification has not contained this operation since 2021. Expect ``NotFoundError`` from
        the current service.
        """
        return await self._call("account.get", "GET", "/account", Account)
