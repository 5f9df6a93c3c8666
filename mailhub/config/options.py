"""Every option mailhub has, with its default, as frozen dataclasses.

``etc/mailhub.toml`` and docs/configuration.rst describe the same options for people; a test
keeps the three equal.  Reading a file is :mod:`mailhub.config.load`'s job, and so is holding
values to the ranges declared here.  Sizes are octets, times are seconds.  A part of mailhub is
handed its own section, never the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

KiB = 1024
MiB = 1024 * KiB


@dataclass(frozen=True, slots=True)
class Range:
    """Of a number: the least and the greatest value that make sense."""

    least: float
    most: float = float("inf")


Octets = Annotated[int, Range(1)]
Count = Annotated[int, Range(1)]
CountOrNone = Annotated[int, Range(0)]
"""0 switches off what it counts."""
Seconds = Annotated[float, Range(0)]
Timeout = Annotated[float, Range(1)]


@dataclass(frozen=True, slots=True)
class Listener:
    """One ``[[listener]]``: where a protocol is served, and how."""

    protocol: Literal["imap", "pop3", "lmtp", "policy", "metrics"]
    address: str
    """``host:port``, ``[v6]:port`` or ``unix:/path``."""
    tls: Literal["none", "starttls", "implicit"] = "none"
    proxy: bool = False
    """Expect a PROXY protocol v1 or v2 header (HAProxy) before anything else."""
    proxy_from: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks from which such a header is believed; others are refused."""
    mode: str = "0660"
    """Permissions of a Unix socket, octal."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and key, used for the names in the certificate or those given."""

    certificate: Path
    key: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsConfig:
    certificates: tuple[Certificate, ...] = ()
    """The first is the default; others are chosen by SNI.  None: a self-signed set-up."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    """OpenSSL cipher string for TLS 1.2."""
    client_ca: Path | None = None
    """Whose certificates clients may log in with; None: none are asked for."""
    client_crl: Path | None = None
    client_names: tuple[Literal["email", "upn", "cn"], ...] = ("email", "upn")
    """What in a client's certificate is the log-in name."""


@dataclass(frozen=True, slots=True)
class ImapConfig:
    idle_heartbeat: Annotated[float, Range(1, 1740)] = 120.0
    max_line: Annotated[int, Range(8 * KiB)] = 64 * KiB
    max_literal: Octets = 64 * KiB
    """Of any literal but a message."""
    max_command: Annotated[int, Range(8 * KiB)] = 1 * MiB
    """All lines and literals of one command, a message to APPEND excepted."""
    max_bad_commands: Count = 20
    """In a row; the connection is then closed."""
    hidden_capabilities: tuple[str, ...] = ()
    """Advertised to nobody, for a client that cannot bear one."""


@dataclass(frozen=True, slots=True)
class Pop3Config:
    uidl_format: str = "{uidvalidity:08x}{uid:08x}"
    """Of the id stored with new mail; mail that is there keeps its own."""
    expire: str = "NEVER"
    login_delay: CountOrNone = 0
    """Least time between two log-ins of one account; 0: none."""
    max_bad_commands: Count = 20


@dataclass(frozen=True, slots=True)
class LmtpConfig:
    max_recipients: Annotated[int, Range(100)] = 1000
    max_bad_commands: Count = 20
    default_domain: str = ""
    """Appended to a recipient without one; empty: the only domain, if there is just one."""


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    recipient_delimiter: str = "+"
    """Between user and folder in ``user+folder@domain``; empty: no such addresses."""
    create_detail_folder: bool = False
    """Create the folder of ``user+folder`` when it is missing (otherwise: INBOX)."""
    over_quota: Literal["reject", "defer"] = "reject"
    """Mail for a full account goes back to its sender, or waits in the MTA's queue."""


@dataclass(frozen=True, slots=True)
class Limits:
    max_connections: Count = 10_000
    max_connections_per_address: CountOrNone = 0
    """0: no limit.  A webmail host or an office's NAT is one address."""
    max_connections_per_account: CountOrNone = 100
    max_message: Annotated[int, Range(64 * KiB)] = 50 * MiB
    login_timeout: Timeout = 60.0
    """From connecting to a successful log-in."""
    idle_timeout: Timeout = 1800.0
    """RFC 9051 5.4: at least 30 minutes for IMAP once logged in."""
    pop3_idle_timeout: Timeout = 600.0
    """RFC 1939 3: at least 10 minutes."""
    lmtp_timeout: Timeout = 300.0
    write_timeout: Timeout = 300.0
    """How long a client may take nothing of what it has asked for."""
    max_output_buffer: Annotated[int, Range(4 * KiB)] = 256 * KiB
    """Per connection; above it, no further output is produced until the client reads."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    open_accounts: Count = 256
    """Account files kept open; fewer if the limit of open files is low."""
    writer_threads: Annotated[int, Range(1, 256)] = 8
    reader_threads: Annotated[int, Range(1, 256)] = 4
    min_free: CountOrNone = 256 * MiB
    """Free space on the disk below which new mail is refused."""
    expunge_grace: CountOrNone = 3600
    """How long expunged content stays readable for sessions that have not been told."""
    column_cache: CountOrNone = 32 * MiB
    """In each worker, for flags, dates and texts of the mailboxes that are searched."""
    max_mailboxes: Count = 10_000
    """Per account."""


@dataclass(frozen=True, slots=True)
class QuotaFolder:
    """One ``[[quota.folder]]``: a folder that counts differently."""

    name: str
    """With all that is below it; or a special use such as ``\\Trash``."""
    extra_percent: Annotated[int, Range(0, 1000)] = 0
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class QuotaDomain:
    """One ``[[quota.domain]]``.  None: as in ``[quota]``; the totals: none."""

    name: str
    octets: CountOrNone | None = None
    messages: CountOrNone | None = None
    mailboxes: CountOrNone | None = None
    mailbox_messages: CountOrNone | None = None
    message_octets: CountOrNone | None = None
    total_octets: CountOrNone | None = None
    """Of all accounts of the domain together."""
    total_messages: CountOrNone | None = None
    warn: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class QuotaConfig:
    """Of every account that nothing stronger is said about; 0: no limit."""

    octets: CountOrNone = 0
    messages: CountOrNone = 0
    mailboxes: CountOrNone = 0
    mailbox_messages: CountOrNone = 0
    message_octets: CountOrNone = 0
    grace: CountOrNone = 0
    """By so many octets the message that crosses the line may exceed it."""
    warn: tuple[int, ...] = (80, 95)
    """Per cent of a limit at which people are warned; empty: never."""
    warning_mail: bool = True
    """Also by a message in their INBOX."""
    warning_template: Path | None = None
    """Of that message; None: the one that comes with mailhub."""
    webhook: str = ""
    """Where warnings are posted as JSON; empty: nowhere."""
    webhook_secret_file: Path | None = None
    """Holds the key that they are signed with."""
    audit_interval: Annotated[float, Range(60)] = 86_400.0
    """Within it every account is counted anew."""
    folders: tuple[QuotaFolder, ...] = field(default=(), metadata={"name": "folder"})
    domains: tuple[QuotaDomain, ...] = field(default=(), metadata={"name": "domain"})


@dataclass(frozen=True, slots=True)
class AuthConfig:
    plaintext: Literal["tls", "loopback", "always"] = "tls"
    """Where passwords may come in clear: over TLS only, also from loopback, or anywhere."""
    default_domain: str = ""
    """Appended to a log-in name without a domain; empty: the only domain, if just one."""
    failure_delay: Seconds = 1.0
    """Every refused log-in is answered this long after it was asked for."""
    throttle_attempts: Annotated[int, Range(1, 60)] = 10
    """Wrong passwords per (address, account) before that pair has to wait."""
    throttle_window: Timeout = 600.0
    verified_secret_cache: Seconds = 60.0
    """How long a proved local password is remembered (in memory, keyed); 0: not at all."""
    administrators: tuple[str, ...] = ()
    """Primary addresses of those who may set quotas by IMAP (SETQUOTA)."""
    masters: tuple[str, ...] = ()
    """Primary addresses of those who may use everybody's account, with their own password."""
    master_groups: tuple[str, ...] = ()
    """Directories' groups whose people may."""
    master_separator: str = "*"
    """Between the account and the master in a log-in name."""
    order: tuple[str, ...] = ()
    """Who is asked about a password: ``"local"``, names of directories; empty: in that order."""


@dataclass(frozen=True, slots=True)
class GssapiConfig:
    """Log-in by Kerberos tickets."""

    keytab: Path | None = None
    """With the keys of imap/HOST and pop/HOST; None: no such log-in."""
    hostname: str = ""
    """HOST; empty: the server's, "*": any."""
    realms: tuple[str, ...] = ()
    """Whose principals may log in; empty: the realm of the keys."""
    names: tuple[Literal["principal", "user"], ...] = ("principal", "user")
    """What of a principal is the log-in name: alice@REALM, or alice."""


Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]


@dataclass(frozen=True, slots=True)
class OauthConfig:
    """One ``[[oauth]]``: a provider whose access tokens log in."""

    name: str
    issuer: str = ""
    """As in its tokens (``iss``), to the letter."""
    jwks_url: str = ""
    """Where its public keys are; this, jwks_file or introspection_url."""
    jwks_file: Path | None = None
    introspection_url: str = ""
    """Where it is asked about each token."""
    client_id: str = ""
    """Who asks there."""
    client_secret_file: Path | None = None
    audience: tuple[str, ...] = ()
    """Tokens must be for one of these (``aud``)."""
    scopes: tuple[str, ...] = ()
    """Tokens must have all of these."""
    claims: tuple[str, ...] = ("email",)
    """The first of them that a token has is the log-in name."""
    domains: tuple[str, ...] = ()
    """Of accounts that its tokens are good for; empty: all."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    clock_skew: Annotated[float, Range(0, 600)] = 30.0
    jwks_refresh: Annotated[float, Range(60, 86_400)] = 3600.0
    timeout: Annotated[float, Range(0.1, 60)] = 5.0
    tls_ca: Path | None = None
    """PEM file for its URLs; None: the system's."""
    discovery_url: str = ""
    """What clients are told whose token is refused."""


@dataclass(frozen=True, slots=True)
class DirectoryAttributes:
    """Names of LDAP attributes.  Empty: what the preset says; ``"-"``: none, against the preset."""

    id: str = ""
    """Never changes and is never given to another: entryUUID, objectGUID, nsUniqueId."""
    login: str = ""
    """The short name, for groups that list their members by it."""
    address: str = ""
    aliases: tuple[str, ...] = ()
    name: str = ""
    quota: str = ""
    quota_messages: str = ""
    protocols: str = ""
    disabled: str = ""
    disabled_values: tuple[str, ...] = ("TRUE", "1", "yes", "disabled", "inactive", "locked")


@dataclass(frozen=True, slots=True)
class DirectoryGroups:
    """How the groups of a person are found.  Empty: what the preset says."""

    mode: Literal["preset", "none", "memberOf", "search", "tokenGroups"] = "preset"
    base: str = ""
    """Below which groups are searched for; empty: user_base."""
    filter: str = ""
    """Finds the groups that have ``{dn}`` (or ``{name}``, the short name) as a member."""
    nested: Literal["preset", "yes", "no"] = "preset"
    max_depth: Annotated[int, Range(1, 50)] = 10
    max_groups: Annotated[int, Range(1, 10_000)] = 500


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """One ``[[directory]]``.  What is empty and not explained otherwise is the preset's."""

    name: str
    servers: tuple[str, ...] = ()
    """``ldaps://host:port`` or ``ldap://host:port``; the first that works is used."""
    preset: Literal["openldap", "389ds", "freeipa", "active-directory", "lldap", "custom"] = (
        "custom"
    )
    domains: tuple[str, ...] = ()
    """Whose people are in it; empty: any domain."""
    tls: Literal["ldaps", "starttls", "none-i-understand"] = "ldaps"
    tls_ca: Path | None = None
    """PEM file; None: the system's."""
    tls_server_name: str = ""
    """In the servers' certificates, if it is not the host in ``servers``."""
    mode: Literal["search-bind", "template-bind"] = "search-bind"
    bind_dn: str = ""
    """Who searches; empty: anonymous."""
    bind_password_file: Path | None = None
    user_base: str = ""
    dn_template: str = ""
    user_filter: str = ""
    address_filter: str = ""
    people_filter: str = ""
    standing: Literal["preset", "none", "ppolicy", "nsAccountLock", "active-directory"] = "preset"
    """Where the product says that somebody is disabled, locked or expired."""
    lockout_counter: Literal[
        "preset", "none", "ppolicy", "389ds", "freeipa", "active-directory"
    ] = "preset"
    """How the product counts wrong passwords, to stop before they lock somebody out."""
    lockout_policy: str = ""
    """DN of the policy of those whose entries name none; empty: it is found."""
    netbios_domain: str = ""
    attributes: DirectoryAttributes = field(default_factory=DirectoryAttributes)
    groups: DirectoryGroups = field(default_factory=DirectoryGroups)
    connect_timeout: Annotated[float, Range(0.1, 60)] = 3.0
    operation_timeout: Annotated[float, Range(0.1, 60)] = 5.0
    request_timeout: Annotated[float, Range(0.1, 120)] = 15.0
    """A whole question, with waiting its turn and every server that was tried."""
    retry_interval: Annotated[float, Range(0.1, 3600)] = 5.0
    """How often a server that failed is looked at again."""
    idle_check: Annotated[float, Range(1, 3600)] = 30.0
    """A connection that was idle for longer is tried before it is used."""
    max_connections: Annotated[int, Range(1, 64)] = 8
    max_waiting: Annotated[int, Range(1, 100_000)] = 1000
    page_size: Annotated[int, Range(1, 1000)] = 500
    refresh: Seconds = 60.0
    """After so long what is known of a person is asked for again, when it is needed."""
    walk_interval: Annotated[float, Range(0, 604_800)] = 3600.0
    """How often everybody with an account is looked at; 0: never."""
    loss_percent: Annotated[float, Range(0, 100)] = 10.0
    """When more people than that are gone or suspended at once, nobody is."""
    purge_after: Seconds = 0.0
    """Accounts whose people have been gone for so long are deleted; 0: never."""
    lockout_window: Seconds = 600.0
    """The same wrong password of a name reaches the directory once within it; 0: always."""
    lockout_passwords: Annotated[int, Range(0, 60)] = 10
    """So many different wrong ones do within the window; 0: any number."""
    credential_cache: Seconds = 0.0
    """How long a proved password is remembered (in memory, keyed); 0: not at all."""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One ``[[policy]]``: for whom, and what.  Not given: not restricted, or not said.

    Of the matching rules the first that says something about a setting decides it.
    """

    name: str
    groups: tuple[str, ...] = ()
    """Of a directory, by common name or DN."""
    directories: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    """Primary addresses."""
    protocols: tuple[Literal["imap", "pop3"], ...] | None = None
    """That may be logged in to; an empty list: none."""
    networks: tuple[str, ...] | None = None
    """From which may be logged in."""
    over: tuple[Literal["imap", "pop3"], ...] = ()
    """Protocols that ``networks`` is about; empty: all."""
    max_connections: CountOrNone | None = None
    """Of one account, instead of ``limits.max_connections_per_account``; 0: no limit."""
    delivery: Literal["accept", "refuse"] | None = None
    quota_octets: CountOrNone | None = None
    """Of each account; 0: no limit.  So is quota_messages."""
    quota_messages: CountOrNone | None = None


@dataclass(frozen=True, slots=True)
class LogConfig:
    format: Literal["text", "json"] = "text"
    file: Path | None = None
    """None: standard error."""
    level: Literal["debug", "info", "warn", "error"] = "info"
    flight_recorder: CountOrNone = 16 * KiB
    """Of each session's dialogue kept in memory; 0: nothing."""


@dataclass(frozen=True, slots=True)
class Config:
    data_dir: Path = Path("var")
    workers: Literal["auto"] | Annotated[int, Range(1, 64)] = "auto"
    """Processes that serve clients; ``auto``: as many as there are processors."""
    hostname: str = ""
    """In greetings and Received fields; empty: the host's own."""
    embedded: bool = field(default=False, metadata={"in_file": False})
    """The set-up that ``twist mailhub`` serves without a file; cannot be set in one."""
    listeners: tuple[Listener, ...] = ()
    tls: TlsConfig = field(default_factory=TlsConfig)
    imap: ImapConfig = field(default_factory=ImapConfig)
    pop3: Pop3Config = field(default_factory=Pop3Config)
    lmtp: LmtpConfig = field(default_factory=LmtpConfig)
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    limits: Limits = field(default_factory=Limits)
    store: StoreConfig = field(default_factory=StoreConfig)
    quota: QuotaConfig = field(default_factory=QuotaConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    oauth: tuple[OauthConfig, ...] = ()
    gssapi: GssapiConfig = field(default_factory=GssapiConfig)
    directories: tuple[DirectoryConfig, ...] = field(default=(), metadata={"name": "directory"})
    policies: tuple[PolicyRule, ...] = field(default=(), metadata={"name": "policy"})
    log: LogConfig = field(default_factory=LogConfig)
