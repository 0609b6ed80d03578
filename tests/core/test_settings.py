"""Settings that are broken stop the function, and the message names the setting and what it takes, never its value."""

import pytest

from report.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SMTP_URL": "mail.example:587"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://mail.example/secret"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://user:secret"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://user:secret@:587"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://mail.example"}, "MAIL_FROM is needed beside SMTP_URL"),
        ({"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "secret"}, "MAIL_FROM is needed beside SMTP_URL"),
        ({"PAGE_URL": "secret"}, "PAGE_URL takes the address of the report's page"),
        ({"PAGE_URL": "https://shop.example/?secret"}, "PAGE_URL takes the address of the report's page"),
        ({"CLIENTS": '["secret"]'}, "CLIENTS takes a JSON object such as"),
        ({"CLIENTS": '{"0": {}}'}, "CLIENTS takes a JSON object such as"),
        ({"CLIENTS": '{"1": "secret"}'}, "CLIENTS takes a JSON object such as"),
        ({"CLIENTS": '{"1": {"name": ["secret"]}}'}, "CLIENTS has a name of client 1 that is no text"),
        ({"CLIENTS": '{"1": {"webhook_flavour": "secret"}}'}, "CLIENTS has a webhook_flavour of client 1"),
        ({"CLIENTS": '{"1": {"email": "secret@shop.example"}}'}, "CLIENTS has an email of client 1"),
        ({"CLIENTS": '{"1": {"email": ["secret"]}}'}, "CLIENTS has an email of client 1"),
    ],
)
def test_a_broken_setting_is_named_and_its_value_is_not_told(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as found:
        read_settings(environment)
    assert str(found.value).startswith(said)
    assert "secret" not in str(found.value)


def test_mail_and_page_are_set_up_by_what_they_take() -> None:
    settings = read_settings(
        {
            "SMTP_URL": "smtp://user:password@mail.example:587",
            "MAIL_FROM": "Reports <reports@shop.example>",
            "PAGE_URL": "https://shop.example/dashboard/reports",
        }
    )
    assert settings.mail
    assert (settings.mail.smtp_url, settings.mail.sender) == (
        "smtp://user:password@mail.example:587",
        "Reports <reports@shop.example>",
    )
    assert settings.page_url == "https://shop.example/dashboard/reports"
    assert read_settings({}).mail is None
