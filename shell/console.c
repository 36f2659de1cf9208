/* The local terminal. See console.h. */
#include "shell/console.h"
#include "shell/session.h"
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

void console_window(int fd, struct cli_window *w)
{
    struct winsize size;
    *w = (struct cli_window){0};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        w->lines = size.ws_row;
        w->columns = size.ws_col;
    }
}

static enum session_control on_signal(int fd, struct cli_window *w)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != sizeof(info))
        return CONTROL_NONE;
    if (info.ssi_signo != SIGWINCH)
        return CONTROL_HANGUP;
    console_window(STDOUT_FILENO, w);
    return CONTROL_WINDOW;
}

/* Every key is ours, also Ctrl-C and Ctrl-Z; the output is left to us too. */
static void make_raw(const struct termios *was)
{
    struct termios t = *was;
    t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t.c_oflag &= ~(tcflag_t)OPOST;
    t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

int console_run(struct link *l, bool no_pager)
{
    struct cli_window w;
    struct termios was;
    sigset_t set;
    /* Signals come through a descriptor, so that the terminal is always restored. */
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    console_window(STDOUT_FILENO, &w);
    struct session_io io = {.in = STDIN_FILENO,
                            .out = STDOUT_FILENO,
                            .crlf = true,
                            .columns = w.columns,
                            .no_pager = no_pager,
                            .control = signalfd(-1, &set, SFD_CLOEXEC),
                            .on_control = on_signal};
    if (tcgetattr(STDIN_FILENO, &was) == 0)
        make_raw(&was);
    int status = session_run(l, &io);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
    if (io.control >= 0)
        close(io.control);
    return status;
}
