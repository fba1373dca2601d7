#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CDashSpawn.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

long dash_processor_count(void) { return sysconf(_SC_NPROCESSORS_ONLN); }

#if defined(__linux__)

#include <link.h>
#include <sched.h>
#include <sys/prctl.h>

int platform_socket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
}

int platform_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

int platform_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int first, short *flags) {
    (void)attributes;
    (void)flags;
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
    // Our own descriptors are close-on-exec; those of other code remain open on such a system.
    (void)actions;
    (void)first;
    return 0;
#endif
}

int platform_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) == 0 ? 0 : errno; }

int dash_own_executable(char *path, size_t size) {
    // The link itself: it refers to the running file even after the file was replaced.
    return snprintf(path, size, "/proc/self/exe") < (int)size ? 0 : ENAMETOOLONG;
}

typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t count;
} build_id_search;

static size_t aligned(size_t size) { return (size + 3) & ~(size_t)3; }

static void search_notes(const uint8_t *note, size_t size, build_id_search *search) {
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)note;
        size_t length = sizeof *header + aligned(header->n_namesz) + aligned(header->n_descsz);
        if (length > size) return;
        const uint8_t *name = note + sizeof *header, *description = name + aligned(header->n_namesz);
        if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            search->count = header->n_descsz < search->capacity ? header->n_descsz : search->capacity;
            memcpy(search->bytes, description, search->count);
            return;
        }
        note += length;
        size -= length;
    }
}

static int search_executable(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE)
            search_notes((const uint8_t *)(info->dlpi_addr + segment->p_vaddr), segment->p_memsz, argument);
    }
    return 1; // Stops after the first object, the executable.
}

size_t dash_build_id(uint8_t *bytes, size_t capacity) {
    build_id_search search = {.bytes = bytes, .capacity = capacity};
    dl_iterate_phdr(search_executable, &search);
    return search.count;
}

static int64_t changed(const struct stat *file) {
    return (int64_t)file->st_mtim.tv_sec * 1000000000 + file->st_mtim.tv_nsec;
}

#else // macOS

#include <mach-o/dyld.h>

static int close_on_exec(int ends[2]) {
    for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 0;
}

int platform_socket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 ? close_on_exec(ends) : errno;
}

int platform_pipe(int ends[2]) { return pipe(ends) == 0 ? close_on_exec(ends) : errno; }

int platform_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int first, short *flags) {
    (void)actions;
    (void)attributes;
    (void)first;
    *flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
    return 0;
}

int platform_parent_death_signal(int signal) {
    (void)signal; // Not available; the closing channel signals the parent's death.
    return 0;
}

int dash_own_executable(char *path, size_t size) {
    uint32_t room = (uint32_t)size;
    return _NSGetExecutablePath(path, &room) == 0 ? 0 : ENAMETOOLONG;
}

size_t dash_build_id(uint8_t *bytes, size_t capacity) {
    (void)bytes;
    (void)capacity;
    return 0;
}

static int64_t changed(const struct stat *file) {
    return (int64_t)file->st_mtimespec.tv_sec * 1000000000 + file->st_mtimespec.tv_nsec;
}

#endif

int dash_file_identity(const char *path, int64_t *size, int64_t *nanoseconds) {
    struct stat file;
    if (stat(path, &file) != 0) return errno;
    *size = file.st_size;
    *nanoseconds = changed(&file);
    return 0;
}

const char *dash_signal_name(int signal) {
    switch (signal) {
    case SIGHUP: return "SIGHUP";
    case SIGINT: return "SIGINT";
    case SIGQUIT: return "SIGQUIT";
    case SIGILL: return "SIGILL";
    case SIGTRAP: return "SIGTRAP";
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGPIPE: return "SIGPIPE";
    case SIGALRM: return "SIGALRM";
    case SIGTERM: return "SIGTERM";
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    case SIGXCPU: return "SIGXCPU";
    case SIGSYS: return "SIGSYS";
    default: return NULL;
    }
}
