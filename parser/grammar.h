/*
 * The tables that the grammar compiler writes (g_tables.c) and the parser reads.
 *
 * Everything is const and refers to everything else by 16-bit indices; nothing is allocated
 * or computed at start. A form is kept twice: as a tree of expressions, which the printer
 * walks with a node's values, and as an automaton of positions (Glushkov's construction: one
 * position per word or argument, with the positions that may follow it), which the matcher
 * runs over the tokens of a line. The two share their positions.
 *
 * The compiler includes this header for the enumerations, so that both sides agree.
 */
#ifndef TANDEM_PARSER_GRAMMAR_H
#define TANDEM_PARSER_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#define G_NONE UINT16_MAX /* no such index */

enum g_kind { G_ROOT = 0, G_OBJECT, G_LIST, G_LEAF, G_FLAG, G_EXEC };

/* Modes that every grammar has; those of the grammar follow. */
enum { G_MODE_NONE = 0, G_MODE_EXEC = 1, G_MODE_CONFIG = 2 };

enum g_dialect { G_IOS = 1, G_ASA = 2, G_BOTH = 3 };

enum g_type_kind {
    GT_FLAG = 0, /* bool, set by a word */
    GT_NUM,
    GT_WORD,
    GT_REST,
    GT_TEXT, /* between two equal characters, over any number of lines */
    GT_IP,
    GT_MASK,
    GT_WILDCARD,
    GT_IP6,
    GT_ADDR,    /* either family */
    GT_PREFIX6, /* host bits are kept */
    GT_HOST,
    GT_IFNAME,
    GT_PROTO,
    GT_PORT,
    GT_TIME,
    GT_HEX,
    GT_REF,
    GT_ENUM
};

/* How the value of a type is kept in the generated struct. */
enum g_store { GS_BOOL, GS_U64, GS_STR, GS_ADDR, GS_PREFIX, GS_INT };

static inline enum g_store g_store(unsigned type_kind)
{
    switch (type_kind) {
    case GT_FLAG:
        return GS_BOOL;
    case GT_NUM:
    case GT_PROTO:
    case GT_PORT:
    case GT_TIME:
        return GS_U64;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
    case GT_IP6:
    case GT_ADDR:
        return GS_ADDR;
    case GT_PREFIX6:
        return GS_PREFIX;
    case GT_ENUM:
        return GS_INT;
    default:
        return GS_STR;
    }
}

/* How narrow a typed value is; the least wins among those that accept a token. Keywords,
 * including those of enumerations, always win over typed values. */
static inline unsigned g_rank(unsigned type_kind)
{
    switch (type_kind) {
    case GT_NUM:
    case GT_PROTO:
    case GT_PORT:
    case GT_TIME:
    case GT_MASK:
        return 1;
    case GT_IP:
    case GT_WILDCARD:
    case GT_IP6:
    case GT_ADDR:
    case GT_PREFIX6:
        return 2;
    case GT_IFNAME:
        return 3;
    case GT_HEX:
        return 4;
    case GT_REST:
    case GT_TEXT:
        return 9;
    default:
        return 5; /* host, word, ref */
    }
}

struct g_word { /* a keyword of an enum, a service name, a protocol name */
    const char *text, *help;
    uint16_t value;
    uint16_t dialect; /* printed in these */
};

struct g_enum {
    const char *name;
    uint16_t first, count; /* in g_words */
};

struct g_arg {
    const char *name, *help;
    uint64_t lo, hi;      /* range of a number; hi is the longest text of a word */
    uint16_t entry;       /* whose argument it is */
    uint16_t ref;         /* enum (also of proto and port), or the entry a ref<> means */
    uint16_t offset, has; /* in the generated struct; a flag has no `has` */
    uint8_t type;         /* enum g_type_kind */
    uint8_t flags;
};
enum {
    GA_KEY = 1,
    GA_SECRET = 2,
    GA_INSERT_AT = 4,
    GA_NUMBER = 8,   /* orders the items of a list; kept, but neither printed nor compared */
    GA_ACCEPTED = 16 /* a line that gives it is without effect */
};

struct g_pos {
    const char *word; /* keyword, or NULL: the value of arg */
    const char *help; /* of the keyword */
    uint16_t arg;     /* the argument, or the flag that the word sets; G_NONE: a bare word */
    uint16_t form;
    uint16_t follow, nfollow; /* in g_follow */
    uint16_t flags;
};
enum {
    GP_ACCEPT = 1, /* the form may end here */
    GP_NO = 2,     /* it may end here after `no` or `default` */
    GP_OWN = 4,    /* arg belongs to the entry itself, not to an ancestor */
    GP_PLUS = 8    /* may repeat */
};

enum g_expr_kind { GX_SEQ, GX_OPT, GX_ALT, GX_POS, GX_BLANK };
struct g_expr {
    uint16_t kind;
    uint16_t pos;         /* GX_POS */
    uint16_t child, next; /* G_NONE: none */
};

struct g_form {
    uint16_t entry;
    uint16_t mode;    /* where it can be typed */
    uint16_t enter;   /* mode that it enters, or G_MODE_NONE */
    uint16_t dialect; /* enum g_dialect */
    uint16_t flags;
    uint16_t first, nfirst; /* in g_follow: positions it may begin with */
    uint16_t expr;
};
enum {
    GF_INVERTED = 1, /* begins with `no` (left out here): the plain line negates */
    GF_NO = 2,       /* a `no FORM` line: only for removing */
    GF_ALIAS = 4     /* an `alias FORM` line: never printed */
};

struct g_entry {
    const char *name;
    const char *unset;    /* printed where a leaf has no node */
    const void *defaults; /* struct a_… of a leaf's default, or NULL */
    uint16_t kind;
    uint16_t parent; /* 0: the root; of several the first, the others have it in g_children */
    uint16_t module;
    uint16_t rank;          /* place among all entries: section, then order */
    uint16_t size;          /* of struct a_…; 0 when it has no arguments */
    uint16_t arg, narg;     /* in g_args */
    uint16_t form, nform;   /* in g_forms; synonyms in order of preference */
    uint16_t child, nchild; /* in g_children, by rank */
    uint16_t flags;
    uint8_t priv;
};
enum {
    GE_ALWAYS = 0x001,
    GE_SORTED = 0x002,
    GE_REPLACE = 0x004,
    GE_IMPLIED = 0x008,
    GE_FIXED = 0x010,
    GE_BANG = 0x020,
    GE_HIDDEN = 0x040,
    GE_PIPE = 0x080,
    GE_ACCEPTED = 0x100,
    GE_KEYED = 0x200, /* has `key` arguments */
    GE_PLUS = 0x400,  /* a form of it takes several items */
    GE_INSERT = 0x800,
    GE_REPEATS = 0x1000, /* list: equal items may stand beside each other */
    GE_EITHER = 0x4000,  /* object: the keys are alternatives */
    GE_NUMBERED = 0x2000 /* list: one argument is a GA_NUMBER */
};

struct g_mode {
    const char *name;
    const char *prompt; /* "(config-if)" */
    const char *title;
    const char *exit; /* help of `exit` */
    uint16_t parent;
    uint16_t entry; /* the object whose mode it is; 0: the root */
    uint16_t dialect;
    uint16_t form, nform; /* in g_mode_forms */
    uint16_t indent;      /* its lines are printed so much deeper than the line that enters it */
};

struct g_module {
    const char *name;
    uint16_t section;
};

extern const struct g_word g_words[];
extern const struct g_enum g_enums[];
extern const struct g_arg g_args[];
extern const struct g_pos g_positions[];
extern const struct g_expr g_exprs[];
extern const struct g_form g_forms[];
extern const struct g_entry g_entries[]; /* [0] is the root */
extern const struct g_mode g_modes[];
extern const struct g_module g_modules[];
extern const uint16_t g_follow[];
extern const uint16_t g_children[];
extern const uint16_t g_mode_forms[];
extern const uint16_t g_nentries, g_nforms, g_npositions, g_nmodes, g_nargs, g_nmodules;

#endif
