from .doctor import Report as Report
from .doctor import diagnose as diagnose
from .grader.package import Package as Package
from .grader.remote import Worker as Worker
from .grader.sandbox import Sandbox as Sandbox
