/*
 * Passwords as the platforms keep them: hashing what was typed, verifying what is tried.
 *
 * ASA:  $sha512$5000$SALT$HASH   PBKDF2-HMAC-SHA512, 5,000 rounds, 16 bytes each in base64
 * IOS:  $8$SALT$HASH             PBKDF2-HMAC-SHA256, 20,000 rounds, Cisco's base64
 *       $9$SALT$HASH             scrypt N=16384 r=1 p=1, Cisco's base64
 *       $1$SALT$HASH             MD5-crypt, by libcrypt
 *       anything else            clear text (IOS `password`)
 *       0822455D0A16             type 7: hidden from a glance, and no more; never kept
 */
#ifndef TANDEM_MODES_PASSWORD_H
#define TANDEM_MODES_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_HASH_MAX 128

/* Hash for the configuration. 0, or -1 when the library fails. */
int password_hash_asa(const char *password, char *out, size_t cap);
int password_hash_ios(const char *password, char *out, size_t cap); /* type 9 */
/* What a password of type 7 stands for. 0, or -1 when it is none or too long. */
int password_reveal(const char *hidden, char *out, size_t cap);
bool password_verify(const char *stored, const char *password);
/* For users that do not exist: takes as long as a real check and is false. */
bool password_verify_nobody(const char *password);
/* Does it look like a hash that password_verify() knows? */
bool password_is_hash(const char *stored);

#endif
