/* The system calls that are left to a process, enforced by the kernel (seccomp). */
#ifndef TANDEM_DAEMON_SANDBOX_H
#define TANDEM_DAEMON_SANDBOX_H

enum sandbox_role {
    SANDBOX_ENGINE,
    SANDBOX_DATAPATH,
    SANDBOX_ACCESS,     /* accepts and forks */
    SANDBOX_CONNECTION, /* one SSH connection; forked by access */
    SANDBOX_SESSION,    /* one SSH channel; forked by a connection */
    SANDBOX_ROLES
};

/* Loads what will be looked for in files later: time zone, OpenSSL's configuration and modules.
 * What it returns is held until the process ends (sandbox_release). */
struct sandbox_files;
struct sandbox_files *sandbox_prepare(void);
void sandbox_release(struct sandbox_files *f);

/* From here on any other call ends the process with SIGSYS. To be called before there are
 * threads, with no_new_privs set. A forked child may narrow itself further. 0, -errno, or 1 in a
 * build with AddressSanitizer, whose own calls no list could hold. */
int sandbox_enter(enum sandbox_role role);

/* For FRR's daemons, which insist on being root at their start and on juggling with capabilities
 * that they do not need here: what they ask for is granted in words, and nothing changes. With
 * no_new_privs set. 0 or -errno. */
int sandbox_foreign(void);

#endif
