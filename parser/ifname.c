/*
 * Interface names: a type, abbreviated as far as it stays unique, and a number such as 0/1,
 * 0/0.10 or 1. The canonical form is what is kept and printed.
 */
#include "parser/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *alias; /* a spelling that is not a prefix, or one that wins over others */
    const char *help;
} types[] = {
    {"Ethernet", "e", "IEEE 802.3"},
    {"FastEthernet", "f", "FastEthernet IEEE 802.3"},
    {"GigabitEthernet", "g", "GigabitEthernet IEEE 802.3"},
    {"TenGigabitEthernet", "te", "TenGigabitEthernet IEEE 802.3"},
    {"Loopback", "lo", "Loopback interface"},
    {"Tunnel", "tu", "Tunnel interface"},
    {"Vlan", "vl", "Virtual LAN"},
    {"Port-channel", "po", "Channel of Ethernet interfaces"},
    {"Serial", "s", "Serial"},
    {"Null", "nu", "Null interface"},
    {"Virtual-Template", "vt", "Virtual-Template interface"},
    {"Virtual-Access", "vi", "Virtual-Access interface"},
    {"Management", "m", "Management interface"},
};
#define NTYPES (sizeof(types) / sizeof(types[0]))

static size_t type_length(const char *t, size_t n)
{
    size_t i = 0;
    while (i < n && (isalpha((unsigned char)t[i]) || (t[i] == '-' && i)))
        i++;
    return i;
}

/* The one type that the letters name, or NULL. */
static const char *find_type(const char *t, size_t n)
{
    const char *found = NULL;
    unsigned hits = 0;
    if (n == 0)
        return NULL;
    for (size_t i = 0; i < NTYPES; i++) {
        if (strlen(types[i].alias) == n && strncasecmp(types[i].alias, t, n) == 0)
            return types[i].name;
        if (strlen(types[i].name) >= n && strncasecmp(types[i].name, t, n) == 0) {
            found = types[i].name;
            hits++;
        }
    }
    return hits == 1 ? found : NULL;
}

const char *ifname_type(const char *t, size_t n, size_t *letters, const char **help)
{
    *letters = type_length(t, n);
    const char *type = find_type(t, *letters);
    for (size_t i = 0; type && i < NTYPES; i++)
        if (types[i].name == type)
            *help = types[i].help;
    return type;
}

/* Digits with single '/', '.' or ':' between them; returns how much is well-formed, and
 * whether it may end there. */
static size_t number_length(const char *t, size_t n, bool *complete)
{
    size_t i = 0, digits = 0;
    bool dot = false;
    for (; i < n; i++) {
        if (isdigit((unsigned char)t[i])) {
            if (++digits > 10)
                break;
        } else if (digits && (t[i] == '/' || t[i] == '.' || t[i] == ':') && !dot) {
            dot = t[i] == '.';
            digits = 0;
        } else {
            break;
        }
    }
    *complete = i == n && digits > 0;
    return i;
}

int ifname_read(const char *t, size_t n, char *out, size_t cap)
{
    size_t letters = type_length(t, n), from = letters;
    const char *type = find_type(t, letters);
    bool complete;
    while (from < n && (t[from] == ' ' || t[from] == '\t'))
        from++;
    if (!type || n - from > 32)
        return -1;
    (void)number_length(t + from, n - from, &complete);
    if (!complete || strlen(type) + (n - from) >= cap)
        return -1;
    memcpy(out, type, strlen(type));
    memcpy(out + strlen(type), t + from, n - from);
    out[strlen(type) + (n - from)] = '\0';
    return 0;
}

bool ifname_is_type(const char *t, size_t n)
{
    return type_length(t, n) == n && find_type(t, n);
}

size_t ifname_viable(const char *t, size_t n)
{
    size_t letters = type_length(t, n), best = 0;
    bool complete;
    for (size_t i = 0; i < NTYPES; i++) {
        size_t c = kw_common(types[i].name, t, letters);
        size_t k = kw_common(types[i].alias, t, letters);
        best = c > best ? c : best;
        best = k > best ? k : best;
    }
    if (best < letters || !find_type(t, letters))
        return best;
    return letters + number_length(t + letters, n - letters, &complete);
}
