"""Whom do we trust, and as whom do we show ourselves? The TLS context of some files, or one line where they hold something else."""

import ssl

from consumers.setting_sources import SettingsError
from consumers.settings import Settings, variable


def context(settings: Settings, server: str) -> ssl.SSLContext:
    """The context of the settings of `server`: kafka or redis. Raises SettingsError."""
    ca, cert, key = (getattr(settings, f"{server}_ssl_{name}") for name in ("cafile", "certfile", "keyfile"))
    try:
        made = ssl.create_default_context(cafile=ca or None)
    except (ssl.SSLError, OSError):
        raise SettingsError(
            f"{variable(f'{server}_ssl_cafile')}={ca}: holds no CA certificates in PEM form"
        ) from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert:
        # A password is always given: without one OpenSSL would ask the terminal for it, and wait.
        password = settings.kafka_ssl_key_password.get_secret_value() if server == "kafka" else ""
        try:
            made.load_cert_chain(cert, key or None, password=password)
        except (ssl.SSLError, OSError) as error:
            names = f"{variable(f'{server}_ssl_certfile')}={cert} and {variable(f'{server}_ssl_keyfile')}={key or cert}"
            reason = getattr(error, "reason", None) or error
            raise SettingsError(
                f"{names}: no certificate with its key, or not its password ({reason})"
            ) from None
    return made
