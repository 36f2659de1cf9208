/*
 * Growable text, for output and configuration. Owns its memory; str_free() ends it.
 * On exhausted memory a str keeps what it has and sets `bad`.
 */
#ifndef TANDEM_LIB_STR_H
#define TANDEM_LIB_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    char *s; /* NUL-terminated when len > 0, NULL when never written */
    size_t len, cap;
    bool bad;
};

void str_free(struct str *s);  /* also zeroes the struct */
void str_wipe(struct str *s);  /* the same for text that held a secret */
void str_clear(struct str *s); /* length 0, memory kept */
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t n);
void str_addc(struct str *s, char c);
void str_pad(struct str *s, size_t column); /* blanks until the last line has this width */
void str_printf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void str_hex(struct str *s, const uint8_t *p, size_t n); /* two small digits for each byte */
const char *str_text(const struct str *s);               /* never NULL */

/* Copies at most cap-1 bytes and always terminates. Returns false when it was cut. */
bool str_copy(char *dst, size_t cap, const char *src);
/* Two small hexadecimal digits for each byte and the NUL: out has 2n + 1 bytes. */
void hex_write(char *out, const uint8_t *p, size_t n);

#endif
