"""Every exception of the gateway. A class exists where somebody reacts to it differently.

GatewayError
├── ConfigError                  exit 2, before any connection
├── AmiError
│   ├── AmiConnectionError       back off, reconnect, resynchronise
│   │   └── AmiProtocolError     the bytes make no sense: the same, and say so
│   ├── AmiAuthenticationError   longest delay; exit 4 if no login ever succeeded
│   ├── AmiActionError           Asterisk answered ``Response: Error``
│   ├── AmiTimeoutError          no answer in time
│   └── AmiValueError            a value that must never reach the wire (CR, LF, NUL, too long)
├── MqttError
│   ├── MqttConnectionError      back off, reconnect, republish
│   └── MqttAuthenticationError  longest delay; exit 5 if no login ever succeeded
├── CommandFailedError           a client's command was answered with an error
├── NoAnswerError                a client's command got no answer in time: it may have been carried out
├── StoreError                   exit 3; the file is left as it is
├── ReplayError                  a log that cannot be read: tell, exit 2
├── StoreWriteError              tell, keep what was to be written, try again
└── IllegalTransitionError       AGENT_SESSION_STATE forbids the step
"""


class GatewayError(Exception):
    """Base of all errors the gateway raises on purpose."""


class ConfigError(GatewayError):
    """The configuration cannot be used; the text names file, key, what was expected, and an example."""


class AmiError(GatewayError):
    """Something about the conversation with Asterisk."""


class AmiConnectionError(AmiError):
    """The link to Asterisk failed or is down. Nothing sent on it will be sent again."""


class AmiProtocolError(AmiConnectionError):
    """What the peer sent cannot be AMI."""


class AmiAuthenticationError(AmiError):
    """Asterisk refused the login; AMI does not tell a wrong name, a wrong secret and an ACL apart."""


class AmiActionError(AmiError):
    """Asterisk answered an action with an error.

    Attributes:
        action: The action's name.
        message: Asterisk's own words.
    """

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"{action}: {message}")
        self.action = action
        self.message = message


class AmiTimeoutError(AmiError):
    """No (complete) answer to an action within its time."""


class AmiValueError(AmiError):
    """A header that must not be sent: CR, LF or NUL in it, or a line longer than Asterisk reads."""


class MqttError(GatewayError):
    """Something about the conversation with the broker."""


class MqttConnectionError(MqttError):
    """The link to the broker failed or is down."""


class MqttAuthenticationError(MqttError):
    """The broker refused the login."""


class CommandFailedError(GatewayError):
    """The gateway answered a command with an error.

    Attributes:
        code: The answer's ``code``, such as ``UNKNOWN_SESSION``.
        message: Its ``message``, for people.
        answer: All of it.
    """

    def __init__(self, code: str, message: str, answer: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.answer = answer


class NoAnswerError(GatewayError):
    """A command got no answer in time. It may have been carried out: the state is told by events."""


class StoreError(GatewayError):
    """The store cannot be used: unreadable, damaged, in use, not writable or of a newer version; the text names it."""


class ReplayError(GatewayError):
    """A log that is to be replayed, or what belongs to it, cannot be read; the text names the file."""


class StoreWriteError(GatewayError):
    """The store cannot be written or read just now, with a full disk for example; nothing of the batch is in it."""


class IllegalTransitionError(GatewayError):
    """AGENT_SESSION_STATE allows no such step.

    Attributes:
        current: Name of the state the session is in.
        requested: Name of the state it cannot go to.
    """

    def __init__(self, current: str, requested: str) -> None:
        super().__init__(f"a session that is {current} cannot become {requested}")
        self.current = current
        self.requested = requested
