/*
 * Checks of the box's own settings: its name, users, passwords, management.
 *
 * A check runs inside the line's transaction, after the edit; what it returns non-zero for is
 * taken back. With `no`, n is what was removed: it no longer stands in the tree, but its
 * parent and its arguments can still be read.
 */
#include "modes/internal.h"
#include "modes/password.h"
#include "lib/mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int hostname_check(struct txn *t, struct cfg_node *n, const struct a_hostname *a, bool negate)
{
    (void)n;
    if (negate) {
        char asa[] = "ciscoasa", ios[] = "Router";
        struct a_hostname back = {.has_name = true, .name = t->asa ? asa : ios};
        return txn_set(t, t->tree->root, E_HOSTNAME, &back) ? 0 : -1;
    }
    bool good = isalnum((unsigned char)a->name[0]) != 0;
    for (const char *p = a->name; *p && good; p++)
        good = isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '.';
    if (!good)
        return txn_refuse(t,
                          t->asa ? "ERROR: '%s' is not a valid hostname"
                                 : "%% Hostname \"%s\" is not legal",
                          a->name);
    return 0;
}

/* --- users ----------------------------------------------------------------------------------- */

/* Keeps a hash where a password was typed. What is said to be a hash already must be one. */
static int hash_asa(struct txn *t, const char *password, bool pbkdf2, bool encrypted, char *out,
                    size_t cap)
{
    if (encrypted)
        return txn_refuse(t, "ERROR: passwords of releases before 9.6 cannot be verified; "
                             "set the password again");
    if (pbkdf2 && strncmp(password, "$sha512$", 8) != 0)
        return txn_refuse(t, "ERROR: The password is not a PBKDF2 hash");
    if (pbkdf2)
        return str_copy(out, cap, password) ? 0 : -1;
    if (strlen(password) < 3)
        return txn_refuse(t, "ERROR: Password must be at least 3 characters long");
    if (password_hash_asa(password, out, cap) < 0)
        return txn_refuse(t, "ERROR: The password could not be hashed");
    return 0;
}

int username_check(struct txn *t, struct cfg_node *n, const struct a_username *a, bool negate)
{
    char hash[PASSWORD_HASH_MAX];
    if (negate || a->nopassword || !a->has_password)
        return 0;
    if (hash_asa(t, a->password, a->pbkdf2, a->encrypted, hash, sizeof hash) < 0)
        return -1;
    struct a_username kept = *a;
    kept.password = hash;
    kept.pbkdf2 = true;
    struct cfg_node *set = txn_set(t, n->parent, E_USERNAME, &kept);
    mem_wipe(hash, sizeof hash);
    return set ? 0 : -1;
}

int enable_password_check(struct txn *t, struct cfg_node *n, const struct a_enable_password *a,
                          bool negate)
{
    char hash[PASSWORD_HASH_MAX];
    (void)n;
    if (negate)
        return 0;
    if (hash_asa(t, a->password, a->pbkdf2, a->encrypted, hash, sizeof hash) < 0)
        return -1;
    struct a_enable_password kept = *a;
    kept.password = hash;
    kept.pbkdf2 = true;
    struct cfg_node *set = txn_set(t, t->tree->root, E_ENABLE_PASSWORD, &kept);
    mem_wipe(hash, sizeof hash);
    return set ? 0 : -1;
}

/* `secret X` becomes type 9; a typed hash must be of the type that was named. */
static int hash_ios(struct txn *t, bool has_type, int type, const char *secret, char *out,
                    size_t cap)
{
    static const char *const lead[] = {
        [ENUM_SECRET_TYPE_5] = "$1$", [ENUM_SECRET_TYPE_8] = "$8$", [ENUM_SECRET_TYPE_9] = "$9$"};
    if (has_type) {
        if (strncmp(secret, lead[type], 3) != 0)
            return txn_refuse(t, "ERROR: The secret you entered is not a valid encrypted secret.");
        return str_copy(out, cap, secret) ? 0 : -1;
    }
    if (password_hash_ios(secret, out, cap) < 0)
        return txn_refuse(t, "%% The secret could not be hashed");
    return 0;
}

static int reveal(struct txn *t, const char *hidden, char *out, size_t cap)
{
    if (password_reveal(hidden, out, cap) == 0)
        return 0;
    return txn_refuse(t, "Invalid encrypted password: %s", "it is not of type 7");
}

int enable_password_ios_check(struct txn *t, struct cfg_node *n,
                              const struct a_enable_password_ios *a, bool negate)
{
    char clear[PASSWORD_HASH_MAX];
    (void)n;
    if (negate || !a->has_hidden)
        return 0;
    if (reveal(t, a->hidden, clear, sizeof clear) < 0)
        return -1;
    struct a_enable_password_ios kept = {.has_password = true, .password = clear};
    struct cfg_node *set = txn_set(t, t->tree->root, E_ENABLE_PASSWORD_IOS, &kept);
    mem_wipe(clear, sizeof clear);
    return set ? 0 : -1;
}

int username_ios_check(struct txn *t, struct cfg_node *n, const struct a_username_ios *a,
                       bool negate)
{
    char hash[PASSWORD_HASH_MAX];
    char clear[PASSWORD_HASH_MAX] = "";
    if (negate || a->nopassword || (!a->has_secret && !a->has_hidden))
        return 0;
    if (a->has_hidden && reveal(t, a->hidden, clear, sizeof clear) < 0)
        return -1;
    int err =
        hash_ios(t, a->has_type, a->type, a->has_hidden ? clear : a->secret, hash, sizeof hash);
    mem_wipe(clear, sizeof clear);
    if (err < 0)
        return -1;
    struct a_username_ios kept = *a;
    kept.has_hidden = false;
    kept.hidden = NULL;
    kept.has_secret = true;
    kept.secret = hash;
    if (!a->has_type)
        kept.type = ENUM_SECRET_TYPE_9;
    kept.has_type = true;
    struct cfg_node *set = txn_set(t, n->parent, E_USERNAME_IOS, &kept);
    mem_wipe(hash, sizeof hash);
    return set ? 0 : -1;
}

int enable_secret_check(struct txn *t, struct cfg_node *n, const struct a_enable_secret *a,
                        bool negate)
{
    char hash[PASSWORD_HASH_MAX];
    (void)n;
    if (negate)
        return 0;
    if (hash_ios(t, a->has_type, a->type, a->secret, hash, sizeof hash) < 0)
        return -1;
    struct a_enable_secret kept = {.has_secret = true, .secret = hash, .has_type = true};
    kept.type = a->has_type ? a->type : ENUM_SECRET_TYPE_9;
    struct cfg_node *set = txn_set(t, t->tree->root, E_ENABLE_SECRET, &kept);
    mem_wipe(hash, sizeof hash);
    return set ? 0 : -1;
}

/* Without a word about what to print, the platform prints how long it is up. */
/* IOS writes the minutes always, the ASA where there are some. */
int clock_timezone_check(struct txn *t, struct cfg_node *n, const struct a_clock_timezone *a,
                         bool negate)
{
    struct a_clock_timezone whole = *a;
    (void)n;
    if (negate)
        return 0;
    const char *digits = a->hours + (a->hours[0] == '-');
    if (!*digits || digits[strspn(digits, "0123456789")] || strtol(digits, NULL, 10) > 23)
        return txn_refuse(t, "%% Hours from UTC are -23 to 23");
    if (a->has_minutes)
        return 0;
    whole.has_minutes = true;
    return txn_set(t, t->tree->root, E_CLOCK_TIMEZONE, &whole) ? 0 : -1;
}

int timestamps_log_check(struct txn *t, struct cfg_node *n, const struct a_timestamps_log *a,
                         bool negate)
{
    static const struct a_timestamps_log uptime = {.uptime = true};
    if (negate || a->uptime || a->datetime)
        return 0;
    return txn_set(t, n->parent, E_TIMESTAMPS_LOG, &uptime) ? 0 : -1;
}

int timestamps_debug_check(struct txn *t, struct cfg_node *n, const struct a_timestamps_debug *a,
                           bool negate)
{
    static const struct a_timestamps_debug uptime = {.uptime = true};
    if (negate || a->uptime || a->datetime)
        return 0;
    return txn_set(t, n->parent, E_TIMESTAMPS_DEBUG, &uptime) ? 0 : -1;
}

int aaa_authentication_check(struct txn *t, struct cfg_node *n,
                             const struct a_aaa_authentication *a, bool negate)
{
    (void)n;
    if (!negate && strcmp(a->server, "LOCAL") != 0)
        return txn_refuse(t, "ERROR: aaa-server group %s does not exist", a->server);
    return 0;
}

/* IOS prints the seconds, too. */
int line_exec_timeout_check(struct txn *t, struct cfg_node *n, const struct a_line_exec_timeout *a,
                            bool negate)
{
    struct a_line_exec_timeout kept = *a;
    if (negate || a->has_seconds)
        return 0;
    kept.has_seconds = true;
    return txn_set(t, n->parent, E_LINE_EXEC_TIMEOUT, &kept) ? 0 : -1;
}
