/*
 * The access process: SSH into the box.
 *
 * Three kinds of processes, so that what a stranger sends is parsed where least can be lost:
 *
 *   access       accepts connections, forks, and passes new sessions' channels to the engine;
 *                it reads not one byte of a connection (access.c)
 *   connection   one per TCP connection, bounded in number and in unauthenticated time: SSH
 *                itself, by libssh (access_conn.c, access_auth.c, access_chan.c)
 *   session      one per SSH channel after authentication: session.c or script.c on a
 *                socketpair, whose other end the connection bridges to the channel
 *
 * Who may log in is the engine's answer to AUTH; nothing here knows a password.
 */
#ifndef TANDEM_SHELL_ACCESS_H
#define TANDEM_SHELL_ACCESS_H

/* What needs the file system: called before the process locks itself into an empty directory. */
void access_prepare(void);
enum access_process { ACCESS_CONNECTION, ACCESS_SESSION };
/* What a process that was just forked gives up, before it reads its first byte. */
typedef void access_confine_fn(enum access_process p);
/* Runs until the launcher closes its channel (lib/launchproto.h). Returns the exit status. */
int access_main(int launch_fd, access_confine_fn *confine);

#endif
