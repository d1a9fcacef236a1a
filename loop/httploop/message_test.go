package httploop

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// statuses reads what was answered.
func statuses(t testing.TB, out []byte) string {
	t.Helper()
	var all []string
	for r := bufio.NewReader(bytes.NewReader(out)); ; {
		if _, err := r.Peek(1); err != nil {
			return strings.Join(all, " ")
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(res.StatusCode))
	}
}

func TestWhatIsRefused(t *testing.T) {
	const host = "Host: a\r\n"
	long := strings.Repeat("a", 4000)
	for name, test := range map[string]struct{ in, want string }{
		"a request":                    {"GET / HTTP/1.1\r\n" + host + "\r\n", "200"},
		"bare line feeds":              {"GET / HTTP/1.1\nHost: a\n\n", "400"},
		"empty lines before it":        {"\r\n\nGET / HTTP/1.1\r\n" + host + "\r\n", "200"},
		"HTTP/1.0 without Host":        {"GET / HTTP/1.0\r\n\r\n", "200"},
		"an absolute URI":              {"GET http://a/b HTTP/1.1\r\n" + host + "\r\n", "200"},
		"two lengths":                  {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "400"},
		"two different lengths":        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
		"a list of lengths":            {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\na", "400"},
		"a signed length":              {"POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na", "400"},
		"a negative length":            {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", "400"},
		"an empty length":              {"POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", "400"},
		"a length that overflows":      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", "400"},
		"a length and chunks":          {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"chunks and a length":          {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"},
		"chunks twice":                 {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"another encoding":             {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"},
		"identity":                     {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", "400"},
		"identity and a length":        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na", "400"},
		"a vertical tab in the value":  {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "400"},
		"chunks in HTTP/1.0":           {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"no Host":                      {"GET / HTTP/1.1\r\n\r\n", "400"},
		"two Hosts":                    {"GET / HTTP/1.1\r\n" + host + "Host: b\r\n\r\n", "400"},
		"a Host that is none":          {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
		"a bare CR in a value":         {"GET / HTTP/1.1\r\n" + host + "A: b\rC: d\r\n\r\n", "400"},
		"a bare CR in the first line":  {"GET /\r HTTP/1.1\r\n" + host + "\r\n", "400"},
		"a NUL":                        {"GET / HTTP/1.1\r\n" + host + "A: b\x00\r\n\r\n", "400"},
		"a space before the colon":     {"GET / HTTP/1.1\r\n" + host + "Content-Length : 1\r\n\r\na", "400"},
		"a space in a name":            {"GET / HTTP/1.1\r\n" + host + "A b: c\r\n\r\n", "400"},
		"a continued line":             {"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", "400"},
		"a space before the first one": {"GET / HTTP/1.1\r\n " + host + "\r\n", "400"},
		"no colon":                     {"GET / HTTP/1.1\r\n" + host + "A\r\n\r\n", "400"},
		"no name":                      {"GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n", "400"},
		"no version":                   {"GET /\r\n" + host + "\r\n", "400"},
		"no path":                      {"GET  HTTP/1.1\r\n" + host + "\r\n", "400"},
		"a method that is none":        {"G(T / HTTP/1.1\r\n" + host + "\r\n", "400"},
		"HTTP/2":                       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
		"HTTP/2 with a path":           {"GET / HTTP/2.0\r\n" + host + "\r\n", "505"},
		"a TLS hello":                  {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		"a chunk of a bad size":        {chunks("x\r\n\r\n"), "400"},
		"a chunk of a signed size":     {chunks("+1\r\na\r\n0\r\n\r\n"), "400"},
		"a chunk of 0x size":           {chunks("0x1\r\na\r\n0\r\n\r\n"), "400"},
		"a chunk that overflows":       {chunks("100000000\r\n"), "400"},
		"a chunk that goes on":         {chunks("1\r\nab\r\n0\r\n\r\n"), "400"},
		"a chunk ended by a line feed": {chunks("1\na\n0\n\n"), "400"},
		"a long chunk extension":       {chunks("1;" + long + long + "\r\na\r\n0\r\n\r\n"), "400"},
		"many long chunk extensions":   {chunks(strings.Repeat("1;"+long+"\r\na\r\n", 8) + "0\r\n\r\n"), "400"},
		"a short chunk extension":      {chunks("1;a=b\r\na\r\n0\r\n\r\n"), "200"},
		"a trailer":                    {chunks("1\r\na\r\n0\r\nA: b\r\n\r\n"), "200"},
		"a trailer that frames":        {chunks("1\r\na\r\n0\r\nContent-Length: 1\r\n\r\n"), "400"},
		"many trailers":                {chunks("0\r\n" + strings.Repeat("A: b\r\n", 1000) + "\r\n"), "400"},
		"a trailer of many lines":      {chunks("0\r\n" + strings.Repeat("A: b\r\n", 500) + "\r\n"), "200"},
		"a trailer that is none":       {chunks("1\r\na\r\n0\r\nAb\r\n\r\n"), "400"},
		"nothing":                      {"", ""},
		"half a header":                {"GET / HTTP/1.1\r\nHos", ""},
		"half a body":                  {"POST / HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\na", ""},
		"a body that is not asked for": {"GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\naGET / HTTP/1.1\r\n" + host + "\r\n", "200 200"},
		"refused behind an answer":     {"GET / HTTP/1.1\r\n" + host + "\r\nX\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "200 400"},
		"a header too large":           {"GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("b", 16<<10) + "\r\n\r\n", "431"},
		"a body too large":             {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1048577\r\n\r\n", "413"},
		"chunks too large":             {chunks("100001\r\n"), "413"},
		"many chunks too large":        {chunks(strings.Repeat("10000\r\n"+strings.Repeat("a", 0x10000)+"\r\n", 16) + "1\r\n"), "413"},
	} {
		t.Run(name, func(t *testing.T) {
			handled := 0
			s := &Server{Handler: func(x *Exchange) { handled++; echo(x) }}
			out, err := play(s, []byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := statuses(t, out); got != test.want || strings.Count(got, "200") != handled {
				t.Errorf("answered %s, handled %d; want %s", got, handled, test.want)
			}
		})
	}
}

// chunks is the beginning of a request with a body in chunks.
func chunks(body string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}

func TestCutAtEveryByte(t *testing.T) {
	in := "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
		"\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n3\r\nwor\r\n2;x=y\r\nld\r\n0\r\nA: b\r\n\r\n" +
		"GET /3 HTTP/1.1\r\nHost: a\r\n\r\nPOST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\nnot looked at"
	var got []string
	s := &Server{Handler: func(x *Exchange) {
		got = append(got, string(x.Request().URI().Path())+string(x.Request().Body())+string(x.Request().Header.Peek("A")))
		x.Text(200, "")
	}}
	const want = "/1hello /2worldb /3 /4"
	check := func(what string, pieces ...[]byte) {
		t.Helper()
		got = nil
		out, err := play(s, pieces...)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(got, " "); all != want || statuses(t, out) != "200 200 200 200" {
			t.Fatalf("%s: handled %q, answered %s", what, all, statuses(t, out))
		}
	}
	for i := range in {
		for _, j := range []int{i, min(i+1, len(in)), min(i+7, len(in))} {
			check(fmt.Sprintf("cut at %d and %d", i, j), []byte(in[:i]), []byte(in[i:j]), []byte(in[j:]))
		}
	}
	var bytewise [][]byte
	for i := range in {
		bytewise = append(bytewise, []byte{in[i]})
	}
	check("byte by byte", bytewise...)
}
