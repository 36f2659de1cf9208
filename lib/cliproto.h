/*
 * What a shell and the engine say to each other (frames of lib/ipc.h).
 *
 * One channel is one CLI session. The engine owns the session's state (mode, privilege,
 * user, pending question); the shell owns the terminal (editing, pager, filters). Texts
 * are UTF-8 without a NUL; the frame length delimits them. Output lines end in '\n'.
 *
 * A session: HELLO → (AUTH → AUTH_RESULT)* → START → DONE(prompt) and then, per line,
 * EXEC → (FILTER)? (OUT | ASK → ANSWER | CLEAR)* → DONE. ABORT may come at any time while a
 * command runs; the engine still ends it with DONE. NOTICE may arrive at any time.
 */
#ifndef TANDEM_LIB_CLIPROTO_H
#define TANDEM_LIB_CLIPROTO_H

#include <stdint.h>

enum cli_frame {
    /* shell → engine */
    CLI_HELLO = 1,    /* struct cli_hello, then the peer's address as text ("" on a console) */
    CLI_AUTH = 2,     /* user NUL password; only where hello.must_auth is set */
    CLI_START = 3,    /* empty: banner and first prompt, please */
    CLI_EXEC = 4,     /* the line, without its newline */
    CLI_HELP = 5,     /* the line up to the cursor; answered by OUT and DONE */
    CLI_COMPLETE = 6, /* the line up to the cursor; answered by COMPLETION */
    CLI_ANSWER = 7,   /* what was typed at an ASK */
    CLI_ABORT = 8,    /* Ctrl-C or Ctrl-Shift-6 */
    CLI_VOUCH = 10,   /* empty + fd, after AUTH succeeded: the channel of one more session of the
                         same user, which says HELLO and START there. So no password is kept */
    CLI_WINDOW = 9,   /* struct cli_window: the terminal's size as it is now */
    /* engine → shell */
    CLI_AUTH_RESULT = 64, /* struct cli_auth_result */
    CLI_OUT = 65,         /* text to show, through the pager and the filter */
    CLI_FILTER = 66,      /* struct cli_filter, then the regular expression */
    CLI_ASK = 67,         /* struct cli_ask, then the question's text */
    CLI_DONE = 68,        /* struct cli_done, then the next prompt */
    CLI_COMPLETION = 69,  /* the whole line as completed; empty = no unique completion */
    CLI_NOTICE = 70,      /* text outside of any command (log lines, "terminal monitor") */
    CLI_BANNER = 72, /* the answer to a HELLO that must_auth: a text to show before the password,
                        or an empty one */
    CLI_BYE = 71,    /* text to show last; the session is over */
};

enum cli_kind { CLI_CONSOLE = 0, CLI_SSH = 1, CLI_TELNET = 2 };

struct cli_hello {
    uint8_t kind;        /* enum cli_kind */
    uint8_t must_auth;   /* set by access for sessions from outside */
    uint8_t interactive; /* 0: an exec channel or a script: no pager, no banner; the session
                            starts at the user's full privilege */
    uint8_t pad;
    uint16_t lines, columns; /* 0 = unknown */
};

struct cli_window {
    uint16_t lines, columns;
};

struct cli_auth_result {
    uint8_t ok;
    uint8_t privilege;
};

enum cli_filter_kind {
    CLI_INCLUDE = 1,
    CLI_EXCLUDE,
    CLI_BEGIN,
    CLI_SECTION,
    CLI_SECTION_EXCLUDE,
    CLI_COUNT
};

struct cli_filter {
    uint8_t kind; /* enum cli_filter_kind */
};

struct cli_ask {
    uint8_t echo;        /* 0: do not echo; '*': echo stars; 1: echo */
    uint8_t single_char; /* [confirm]: one key answers */
};

struct cli_done {
    uint8_t refused;     /* 1 when the line was not accepted (exit status of a script) */
    uint8_t asa;         /* personality: error and pager texts */
    uint8_t secret;      /* 1 when the line held a password or a key: not for the history */
    uint8_t text;        /* 1: the next lines are a text: no prompt, no help, no completion; ABORT
                            takes it back */
    uint16_t page_lines; /* terminal length in force; 0 = no paging */
    uint16_t width;      /* terminal width in force */
    uint16_t history;    /* how many lines to keep */
};

#endif
