/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

struct answer {
	char *text;
	size_t n;
};

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct answer *answer = arg;
	char *grown = realloc(answer->text, answer->n + n * size + 1);

	if (!grown)
		return 0;
	answer->text = grown;
	memcpy(grown + answer->n, data, n * size);
	answer->n += n * size;
	grown[answer->n] = '\0';
	return n * size;
}

/* 0, or the errno of connecting: libcurl does not tell. */
static int try_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
}

static int unreachable(const struct cli *cli, const char *path, int err)
{
	if (err == EACCES || err == EPERM)
		cli_error(cli,
			"%s: permission denied; be root or in the group of that socket "
			"(muster-admin for changes, muster to look)",
			path);
	else
		cli_error(cli,
			"cannot reach musterd at %s: %s; is it running? (systemctl status musterd)",
			path, strerror(err));
	return CLI_UNREACHABLE;
}

/* Reading needs fewer rights than changing. */
static int choose_socket(const struct cli *cli, bool change, char *path, size_t n)
{
	int err;

	snprintf(path, n, "%s/%s", cli->run_dir, change ? "control.sock" : "view.sock");
	err = try_socket(path);
	if (err && !change) {
		char control[4096];

		snprintf(control, sizeof(control), "%s/control.sock", cli->run_dir);
		if (!try_socket(control)) {
			snprintf(path, n, "%s", control);
			return 0;
		}
	}
	return err ? unreachable(cli, path, err) : 0;
}

static int exit_of_status(long status)
{
	switch (status) {
	case 400:
	case 405:
	case 413:
		return CLI_USAGE;
	case 403:
		return CLI_UNREACHABLE;
	case 404:
		return CLI_NOT_FOUND;
	case 409:
		return CLI_REFUSED;
	default:
		return CLI_FAILED;
	}
}

/* Every error on a line of its own, then the sentence. */
static int print_error(const struct cli *cli, long status, const char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	const char *sentence = json_string_value(json_object_get(json, "error"));
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(json, "errors"), i, row)
		fprintf(stderr, "%s\n", json_string_value(row));
	if (sentence)
		cli_error(cli, "%s", sentence);
	else
		cli_error(cli, "musterd answers HTTP %ld", status);
	json_decref(json);
	return exit_of_status(status);
}

static CURLcode transfer(CURL *curl, const struct cli *cli, const char *socket, const char *path,
	const char *body, struct answer *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char url[1024];
	CURLcode code;

	headers = curl_slist_append(headers, "Expect:");
	snprintf(url, sizeof(url), "http://muster%s", path);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)cli->timeout);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (body)
		curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
	code = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	return code;
}

int client_request(const struct cli *cli, const char *path, json_t *body, char **ret)
{
	_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct answer answer = {};
	char socket[4096];
	long status = 0;
	CURLcode code;
	CURL *curl;
	int err = choose_socket(cli, body != NULL, socket, sizeof(socket));

	json_decref(body);
	*ret = NULL;
	if (err)
		return err;
	curl = curl_easy_init();
	if (!curl)
		return CLI_FAILED;
	code = transfer(curl, cli, socket, path, text, &answer);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OPERATION_TIMEDOUT) {
		cli_error(cli, "no answer from musterd within %d s", cli->timeout);
		err = CLI_TIMEOUT;
	} else if (code != CURLE_OK) {
		cli_error(cli, "musterd at %s: %s", socket, curl_easy_strerror(code));
		err = CLI_UNREACHABLE;
	} else if (status != 200) {
		err = print_error(cli, status, answer.text);
	}
	if (err) {
		free(answer.text);
		return err;
	}
	*ret = answer.text ? answer.text : strdup("");
	return CLI_OK;
}

int client_json(const struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	_free_ char *text = NULL;
	int err = client_request(cli, path, body, &text);

	if (err)
		return err;
	*ret = json_loads(text, 0, NULL);
	if (*ret)
		return CLI_OK;
	cli_error(cli, "musterd's answer is no JSON");
	return CLI_FAILED;
}

int client_page(const struct cli *cli, const char *path)
{
	_free_ char *text = NULL;
	char full[1024];
	int err;

	snprintf(full, sizeof(full), "%s%c%s", path, strchr(path, '?') ? '&' : '?',
		cli->json    ? "format=json"
		: cli->color ? "format=text&color=1"
			     : "format=text");
	err = client_request(cli, full, NULL, &text);
	if (!err)
		fputs(text, stdout);
	return err;
}

int client_change(const struct cli *cli, const char *path, json_t *body)
{
	json_t *answer = NULL, *row;
	size_t i;
	int err = client_json(cli, path, body, &answer);

	if (err)
		return err;
	json_array_foreach(json_object_get(answer, "warnings"), i, row)
		fprintf(stderr, "warning: %s\n", json_string_value(row));
	if (cli->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		printf("%s\n", json_string_value(json_object_get(answer, "text")));
	}
	json_decref(answer);
	return CLI_OK;
}
