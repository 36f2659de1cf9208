/*
 * The SSH host key. See hostkey.h.
 *
 * The launcher makes it, because the access process may write nowhere; it never reads it back.
 * ECDSA on P-256 as PKCS#8: made at once even on a box that has just been switched on, known to
 * clients since 2011, and read by libssh's ssh_pki_import_privkey_base64(). (libssh 0.10 takes an
 * Ed25519 key in PKCS#8 too, but without its public part, and then cannot sign with it.)
 */
#include "daemon/hostkey.h"
#include "daemon/save.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static int make(int dir)
{
    int err = -ENOMEM;
    BIO *mem = NULL;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!key)
        goto out;
    mem = BIO_new(BIO_s_secmem());
    if (!mem || !PEM_write_bio_PKCS8PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL))
        goto out;
    char *pem = NULL;
    long len = BIO_get_mem_data(mem, &pem);
    err = len > 0 ? save_bytes(dir, HOSTKEY_FILE, pem, (size_t)len) : -EIO;
out:
    BIO_free(mem); /* a memory BIO of this kind is wiped when freed */
    EVP_PKEY_free(key);
    return err;
}

int hostkey_open(int dir, int *made)
{
    *made = 0;
    int fd = openat(dir, HOSTKEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || errno != ENOENT)
        return fd >= 0 ? fd : -errno;
    int err = make(dir);
    if (err)
        return err;
    *made = 1;
    fd = openat(dir, HOSTKEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : -errno;
}
