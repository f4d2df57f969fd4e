"""Every error a user can meet, as one tree. Each message is one sentence: what is wrong, what to do.

VoiceError
├── InputError             what the caller gave cannot be used
│   ├── TextError          nothing to say, an unknown language, a missing language extra
│   ├── AudioError         not audio, empty, silent, too short, too long
│   └── UnknownVoiceError  no voice of that name
├── ModelError             a model cannot be found, read or used
│   ├── CheckpointError    a checkpoint file is damaged, hostile or of the wrong kind
│   └── ModelMissingError  no model of that name is installed
├── RegistryError          voices.json or a voice's files are damaged
├── CorpusError            a corpus is not there, or a stored clip is damaged
├── StorageError           the disk refuses: full, read-only, not permitted
├── NetworkError           the hub cannot be reached
└── CancelledError         the caller took the request back
"""


class VoiceError(Exception):
    """Base of all errors of this package; its text is meant for the user."""


class InputError(VoiceError):
    pass


class TextError(InputError):
    pass


class AudioError(InputError):
    pass


class UnknownVoiceError(InputError):
    pass


class ModelError(VoiceError):
    pass


class CheckpointError(ModelError):
    pass


class ModelMissingError(ModelError):
    pass


class RegistryError(VoiceError):
    pass


class CorpusError(VoiceError):
    pass


class StorageError(VoiceError):
    pass


class NetworkError(VoiceError):
    pass


class CancelledError(VoiceError):
    pass
