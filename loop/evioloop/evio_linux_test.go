package evioloop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontendtest"
)

// What is true of evio v1.0.8, and which test makes sure that it does not show.
// A name without Test is one of package frontendtest's, which TestConformance
// runs.
//
//	evio 1   Wake's output overwrites what is          LargeOutputToASlowReader,
//	         pending; two wakes lose a message         WritesOfManyGoroutinesDoNotMix
//	evio 2   Wake overwrites a pending Close           TestCloseIsNotUndone
//	evio 3   a wake from inside one waits for the      PostFromPosted
//	         poll's timeout
//	evio 4   an accept error ends the server, and      TestAcceptFailureRestarts,
//	         Serve returns nil                         TestRefusesWhenDescriptorsRunOut
//	evio 5   with output pending it reads nothing,     InputWhileOutputIsPending,
//	         and spins                                 TestPendingOutputDoesNotSpin
//	evio 6   Wake and Tick after the end write into    TestPostsAfterTheEndWriteNowhere
//	         a closed, perhaps reused, descriptor
//	evio 7   a half-close closes at once, and a        OutputBeforeHalfClose,
//	         reply that is under way is lost           ReplyAfterHalfClose,
//	                                                   TestKeptConnectionsAreNotPolled
//	evio 8   Closed comes after the descriptor was     EventsComeInOrder, OneGoroutinePerLoop,
//	         closed, at the end on another goroutine   StopSendsWhatIsPending,
//	         and perhaps without Opened; what is       StopWhileClientsCome,
//	         pending is dropped                        BlockingInACallbackFails
//	evio 9   neither close-on-exec nor TCP_NODELAY     TestDescriptorFlags
//	         a failed epoll_ctl panics                 PauseInOpened
//	         a unix address removes what is there      TestBadAddresses, TestStaleSocketIsReplaced
//	         Signal may come before Wait               StopAtOnce
//	evio 10  a reply costs two epoll_ctl and a poll    TestAReplyIsSentAtOnce
//	         no event when all is written              HighWaterMark, HighWaterMarkHoldsAProducer
//	         no shutdown from outside                  StopAtOnce, GraceIsBounded
//	evio 11  the -net fallback deadlocks on Wake and   TestBadAddresses (it is refused)
//	         drops errors
//
// And of standing on it with a second descriptor for each connection:
//
//	a duplicate that outlives evio's descriptor        TestKeptConnectionsAreNotPolled
//	makes its poll spin
//	so does a child process that inherits one          TestDescriptorFlags
//	its listeners' numbers are closed twice            TestListenersHaveHigherNumbersThanTheSpares
//	fields are read by reflection                      TestForeignEvio
//	which loop accepts a wake connection is for evio   TestLoopsAreWokenUnderLoad
//	to choose

// evio 2: what is written and posted after Close does not undo it.
func TestCloseIsNotUndone(t *testing.T) {
	for range 50 {
		c, client, _ := connect(t, &Server{Data: echo})
		ask(t, client, "x")
		done := make(chan struct{})
		if err := c.Post(func() {
			c.Close()
			for range 10 {
				_, _ = c.WriteString("after")
				_ = c.Post(func() { _, _ = c.WriteString("after") })
			}
			close(done)
		}); err != nil {
			t.Fatal(err)
		}
		frontendtest.Await(t, "the posted function", done)
		if got, err := io.ReadAll(client); len(got) > 0 || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// evio 5: its poll is not asked whether there is room, and the flusher is woken
// only when there is.
func TestPendingOutputDoesNotSpin(t *testing.T) {
	const pieces = 200
	got := make(chan struct{}, pieces)
	c, client, _ := connect(t, &Server{Data: func(*Conn, []byte) { got <- struct{}{} }})
	send1(t, client, "x")
	frontendtest.Await(t, "Data", got)
	if _, err := c.Write(make([]byte, 8<<20)); err != nil || c.Buffered() == 0 {
		t.Fatalf("%v, %d bytes pending", err, c.Buffered())
	}
	before := c.conn().Loop().FlusherIterations()
	for range pieces {
		send1(t, client, "x")
		frontendtest.Await(t, "Data", got)
	}
	if n := c.conn().Loop().FlusherIterations() - before; n > pieces/4 {
		t.Errorf("the flusher was woken %d times", n)
	}
	for _, r := range registrations(t, c) {
		if r.events&unix.EPOLLOUT != 0 {
			t.Errorf("evio polls for room: %+v", r)
		}
	}
}

// evio 6.
func TestPostsAfterTheEndWriteNowhere(t *testing.T) { frontendtest.PostsAfterTheEnd(t, host(2)) }

// evio 7: a connection that is kept after a half-close is not in evio's poll,
// which would report its end for ever.
func TestKeptConnectionsAreNotPolled(t *testing.T) {
	t.Run("for what is pending", func(t *testing.T) {
		c, client, _ := connect(t, &Server{Data: echo})
		if _, err := c.Write(make([]byte, 8<<20)); err != nil || c.Buffered() == 0 {
			t.Fatalf("%v, %d bytes pending", err, c.Buffered())
		}
		ctx := c.Context()
		barrier(t, c)
		closeWrite(t, client)
		frontendtest.Await(t, "the context's end", ctx.Done())
		noRegistration(t, c)
	})
	t.Run("for a reply to come", func(t *testing.T) {
		eof := make(chan struct{})
		c, client, _ := connect(t, &Server{Data: func(*Conn, []byte) {}, EOF: func(*Conn) { close(eof) }})
		send1(t, client, "question")
		closeWrite(t, client)
		frontendtest.Await(t, "EOF", eof)
		noRegistration(t, c)
	})
}

// evio 10: a reply is on its way before Data has returned.
func TestAReplyIsSentAtOnce(t *testing.T) {
	received := make(chan struct{})
	_, client, _ := connect(t, &Server{Data: func(c *Conn, _ []byte) {
		_, _ = c.WriteString("reply")
		<-received
	}})
	send1(t, client, "x")
	_, err := io.ReadFull(client, make([]byte, 5))
	close(received)
	if err != nil {
		t.Error(err)
	}
}

// Clients come all the time while evio is started: each loop gets its wake
// connection all the same.
func TestLoopsAreWokenUnderLoad(t *testing.T) {
	dir := t.TempDir()
	quit := make(chan struct{})
	addr := "unix://" + dir + "/s"
	clients := make(chan struct{})
	go func() {
		defer close(clients)
		for {
			select {
			case <-quit:
				return
			default:
			}
			if c, err := net.Dial("unix", dir+"/s"); err == nil {
				c.Close()
			}
		}
	}()
	for range 10 {
		_, stop := serve(t, &Server{Data: echo, Loops: 4, Grace: -1}, addr)
		stop()
	}
	close(quit)
	<-clients
}

// Evio closes the descriptor numbers of its listeners twice. That cannot be
// prevented, but the numbers that are free then are lower ones than theirs.
func TestListenersHaveHigherNumbersThanTheSpares(t *testing.T) {
	c, _, _ := connect(t, &Server{Data: echo})
	var spares, listeners []int
	done := make(chan struct{})
	if err := c.Post(func() { // the test before may still be closing some
		defer close(done)
		spares = append(spares, c.conn().Loop().Engine().(*engine).spares...)
		for _, fd := range descriptors(t) {
			n := atoi(fd)
			if on, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on == 1 {
				listeners = append(listeners, n)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	frontendtest.Await(t, "the numbers", done)
	if len(spares) != spare || len(listeners) != 4 { // two listeners, two descriptors each
		t.Fatalf("spares %v, listeners %v", spares, listeners)
	}
	if slices.Max(spares) > slices.Min(listeners) {
		t.Errorf("spares %v, listeners %v", spares, listeners)
	}
}

// registration is one that evio's poll has.
type registration struct{ fd, events, data int }

// registrations lists those of the poll that serves c.
func registrations(t *testing.T, c *Conn) (all []registration) {
	t.Helper()
	done := make(chan error, 1)
	if err := c.Post(func() {
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", c.conn().Loop().PollFD))
		for line := range strings.Lines(string(info)) {
			var r registration
			if n, _ := fmt.Sscanf(line, "tfd: %d events: %x data: %x", &r.fd, &r.events, &r.data); n == 3 {
				all = append(all, r)
			}
		}
		done <- err
	}); err != nil {
		t.Fatal(err)
	}
	if err := frontendtest.Await(t, "the registrations", done); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no registrations are found")
	}
	return all
}

// noRegistration checks that evio's poll knows neither descriptor of c. Call it
// while evio's descriptor is closed and the duplicate open.
func noRegistration(t *testing.T, c *Conn) {
	t.Helper()
	fd, evioFD := c.conn().Descriptors()
	for _, r := range registrations(t, c) {
		if r.fd == fd || r.fd == evioFD {
			t.Errorf("evio still polls the connection: %+v", r)
		}
	}
}

func closeWrite(t *testing.T, c *testClient) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}
