"""The account, of the older index (service.md#legacy-operations)."""

from ..models import Account
from ._resource import Resource

__all__ = ["Accounts"]


class Accounts(Resource):
    """``client.account``."""

    async def get(self) -> Account:
        """Show quota, features and environment (``GET /account``, reads).

        Left the specification in 2021: expect ``NotFoundError`` from the service of today.
        """
        return await self._call("account.get", "GET", "/account", Account)
