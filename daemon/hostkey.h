/* The box's SSH host key: made once, kept in the state directory. */
#ifndef TANDEM_DAEMON_HOSTKEY_H
#define TANDEM_DAEMON_HOSTKEY_H

#define HOSTKEY_FILE "ssh_host_key"

/* Opens dir/ssh_host_key for reading; makes it first (ECDSA P-256, PKCS#8 PEM, mode 0600) when
 * there is none. *made: 1 when it was made now. fd or -errno. */
int hostkey_open(int dir, int *made);

#endif
