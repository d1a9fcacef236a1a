package engine

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

var names = []string{"direct", "pooled", "valet"}

func TestEachLaneAnswers(t *testing.T) {
	e := opened(t, startMySQL(t), sleep)
	client := asking(t)
	for i, name := range names {
		base := "http://" + e.lanes[i].addr
		for range 3 { // over one connection
			get(client, base+"/beat").want(t, name, http.StatusOK, "here")
			get(client, base+"/query?ms=0").want(t, name, http.StatusOK, "done")
		}
		get(client, base+"/query?ms=5").want(t, name, http.StatusOK, "done")
		for _, wrong := range []string{"/query", "/query?ms=", "/query?ms=-1", "/query?ms=1e2", "/query?ms=1001", "/query?ms=99999999999999999999"} {
			get(client, base+wrong).want(t, name+wrong, http.StatusBadRequest, "up to 1000")
		}
		get(client, base+"/other").want(t, name, http.StatusNotFound, "/query?ms=100")
	}
}

func TestEachLaneTellsOfTheDatabasesErrors(t *testing.T) {
	e := opened(t, startMySQL(t), func(int) string { return "SELECT * FROM nowhere" })
	client := asking(t)
	for i, name := range names {
		get(client, "http://"+e.lanes[i].addr+"/query?ms=0").want(t, name, http.StatusInternalServerError, "nowhere")
	}
}

func TestSleepIsInSeconds(t *testing.T) {
	for ms, want := range map[int]string{0: "SELECT SLEEP(0.000)", 5: "SELECT SLEEP(0.005)", 1000: "SELECT SLEEP(1.000)"} {
		if got := sleep(ms); got != want {
			t.Errorf("%d ms: %s", ms, got)
		}
	}
}

// gate makes queries wait.
type gate struct {
	entered chan struct{} // gets one for each query, just before it is made
	release func()
}

// query is one that ends when the gate is open.
func (g *gate) query(int) string {
	select {
	case g.entered <- struct{}{}:
	default: // nobody counts so many
	}
	return "SELECT IF(GET_LOCK('engine', 60), RELEASE_LOCK('engine'), 0)"
}

// newGate returns a gate that is closed: it holds the lock that the queries want.
func newGate(t *testing.T, my *embedded.MySQL) *gate {
	t.Helper()
	db, err := sql.Open("mysql", my.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var got int
	if err := conn.QueryRowContext(t.Context(), "SELECT GET_LOCK('engine', 0)").Scan(&got); err != nil || got != 1 {
		t.Fatalf("the lock: %d, %v", got, err)
	}
	return &gate{make(chan struct{}, 1000), func() {
		if err := conn.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT RELEASE_LOCK('engine')").Scan(&got); err != nil || got != 1 {
			t.Errorf("the lock: %d, %v", got, err)
		}
	}}
}

// later makes a request on a goroutine of its own.
func later(client *http.Client, url string) <-chan answer {
	answered := make(chan answer, 1)
	go func() { answered <- get(client, url) }()
	return answered
}

func TestAQueryThatWaitsFreezesOnlyTheDirectLane(t *testing.T) {
	my := startMySQL(t)
	g := newGate(t, my)
	e := opened(t, my, g.query)
	client := asking(t)
	var queries []<-chan answer
	for _, s := range e.lanes {
		queries = append(queries, later(client, "http://"+s.addr+"/query?ms=0"))
		<-g.entered // evio's goroutine is in the handler, or was
	}
	frozen := later(client, "http://"+e.lanes[0].addr+"/beat")
	for range 100 {
		for i, name := range names[1:] {
			get(client, "http://"+e.lanes[i+1].addr+"/beat").want(t, name, http.StatusOK, "here")
		}
	}
	select {
	case a := <-frozen:
		g.release()
		t.Fatalf("the direct lane has answered a heartbeat while it waited for a query: %+v", a)
	default:
	}
	g.release()
	a := <-frozen
	a.want(t, "the direct lane, when its query has ended", http.StatusOK, "here")
	for i, q := range queries {
		a := <-q
		a.want(t, names[i], http.StatusOK, "done")
	}
}

func TestValetRefusesWhatIsTooMuchAndThePoolTakesIt(t *testing.T) {
	my := startMySQL(t)
	g := newGate(t, my)
	e := opened(t, my, g.query)
	client := asking(t)
	room := conns + queue
	var queries []<-chan answer
	for _, s := range e.lanes[1:] {
		for range room {
			queries = append(queries, later(client, "http://"+s.addr+"/query?ms=0"))
			<-g.entered
		}
	}
	get(client, "http://"+e.valet.addr+"/query?ms=0").want(t, "one too many for Valet", http.StatusServiceUnavailable, "too busy")
	queries = append(queries, later(client, "http://"+e.lanes[1].addr+"/query?ms=0"))
	if s := e.valet.a.Stats(); s.Running != conns || s.Waiting != queue || s.Refused != 1 || e.valet.busy() != conns {
		t.Errorf("Valet's lane: %+v", s)
	}
	for parked := 0; parked != conns; { // each gets there
		parked = 0
		for _, c := range e.valet.calls() {
			if c.Op == "read" && c.Remote == my.Addr() && c.Goroutine != 0 {
				parked++
			}
		}
		runtime.Gosched()
	}
	if n := len(e.valet.calls()); n != conns+listed {
		t.Errorf("it lists %d calls", n)
	}
	g.release()
	for _, q := range queries {
		a := <-q
		a.want(t, "a query that has waited", http.StatusOK, "done")
	}
}

func TestCloseEndsQueriesThatWait(t *testing.T) {
	my := startMySQL(t)
	g := newGate(t, my)
	e, err := open(t.Context(), Config{MySQL: my.DSN()}, g.query)
	if err != nil {
		t.Fatal(err)
	}
	client := asking(t)
	var queries []<-chan answer
	for _, s := range e.lanes {
		queries = append(queries, later(client, "http://"+s.addr+"/query?ms=0"))
		<-g.entered
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for i, q := range queries {
		if a := <-q; a.err == nil && a.status == http.StatusOK {
			t.Errorf("%s: %+v", names[i], a)
		}
	}
	g.release() // the server goes on waiting for it
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for dsn, says := range map[string]string{
		"no DSN": "the MySQL DSN",
		"root@tcp(" + nobody.Addr().String() + ")/x": "refused",
	} {
		e, err := Open(t.Context(), Config{MySQL: dsn})
		if e != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", dsn, e, err)
		}
	}
}
