// Package chat is a chat server on one event loop: rooms, history, presence, and
// live updates by HTTP long-polling, with MongoDB and MySQL behind.
//
//	c, err := chat.Open(ctx, a, db, client, "127.0.0.1:0", chat.Options{})
//	...
//	fmt.Println("http://" + c.Addr() + "/")
//	defer c.Close(ctx)
//
// # Goroutines
//
// All state, that is rooms, clients that wait, who is there, and the newest
// messages, belongs to the goroutine of evio's one loop. The handlers run there,
// and so do the callbacks of both drivers: there is no lock. A client that waits is
// a connection and a few hundred bytes, without a goroutine.
//
// Should evio stop by itself, as it does when it cannot accept, the chat ends with
// it, rather than hand its state over to another goroutine; see [Chat.Ended].
//
// # HTTP
//
//	GET  /                                     the page
//	GET  /api/rooms                            the rooms with most messages
//	GET  /api/rooms/ROOM/messages?nick=        the newest messages, and who is there
//	     …&after=N&history=H&presence=P        what is newer than that; waits for it
//	     …?before=N                            what is older
//	POST /api/rooms/ROOM/messages              {"nick": …, "text": …, "id": …}
//
// A poll names the last message that the client has, the history, which is another
// one if the databases are, and the version of who was there. It is answered once
// something differs, or after [Options.Poll]. Errors are {"error": text} with 4xx
// if the client has to do something else, 503 (with Retry-After) and 504 if it has
// only to try again.
//
// # How a message is stored
//
// MongoDB has the messages, {_id: {room, n}, nick, text, at, client}: n counts from
// 1 in each room, client is the name that the client has given to the message, and
// both are unique in the room. MySQL has a row for each room with its greatest
// number, last, and a row for each user with the count of his messages. MySQL's
// rows say exactly what MongoDB's messages up to last say. Messages that come while
// others of their room are being written are written together, in one transaction:
//
//  1. begin, in MySQL;
//  2. lock the room's row, and read last;
//  3. insert the messages into MongoDB, with the numbers last+1, last+2, …;
//  4. add to the users' counts, and set the room's last;
//  5. commit, and only then tell the clients.
//
// # What can fail
//
// Before step 3: nothing has happened; the client tries again.
//
// In step 3, unknown to us, or later: the message is in MongoDB, and MySQL does not
// know of it. The client has no acknowledgement, and sends it again, with the same
// name. Whoever writes to the room next, this client or another, finds a number or
// a name taken: then all that MongoDB has above last is read and counted like
// messages of one's own, those that are there under a given name keep their number,
// and the others get the next ones. If nobody writes, the message still is in the
// history: once there it never goes away or moves. It may be seen by others before
// its author gets the acknowledgement, or without that.
//
// In step 5, unknown to us: if MySQL has committed, last includes the message; else
// it is as before. Either way the next one to write finds out, and no message is
// counted twice or not at all.
//
// Another process takes the same number: it cannot while the row is locked. If the
// lock is lost with its connection, the insert in MongoDB that comes second fails.
//
// A database is killed: calls fail, or time out, so clients get 503 or 504, and the
// page tries again. What was acknowledged is on both disks: MongoDB is asked for its
// journal and for a majority. MySQL may come back without its memory, as the
// embedded one does: then its rows are counted anew from MongoDB, room by room, with
// the next message. If MongoDB comes back empty, numbers go on behind MySQL's last,
// and clients get the new history from its beginning.
//
// What is on its way to clients is only a hint: where a number is missing MongoDB is
// asked, and polls say what they have. So clients that come back miss nothing.
//
// go-mysql-server locks no rows, so with that [Options.Writers] must be 1, and this
// must be the only process.
//
// # Limits
//
// There are no accounts: everybody may be anybody. Nicknames, rooms and texts are
// limited ([MaxNick], [MaxRoom], [MaxText]), and so are messages that wait to be
// stored, but clients are not limited in how fast they post, nor in how many rooms
// they open, each of which stays in memory for a minute. A browser allows six
// connections to a server, of which each tab's poll takes one. evio does not run on
// Windows, and neither does this. Not goals: TLS, private rooms, editing.
package chat
