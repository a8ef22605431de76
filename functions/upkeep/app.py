"""The handler of the schedules that keep the database in order and look after hosts and builds."""

from smart_redirect.bootstrap.structured_log import Correlated
from smart_redirect.bootstrap.upkeep import UpkeepHandler

handler = Correlated(UpkeepHandler())
