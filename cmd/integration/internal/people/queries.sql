-- name: CreatePerson :execresult
INSERT INTO people (name, email, born) VALUES (?, ?, ?);

-- name: GetPerson :one
SELECT * FROM people WHERE id = ?;

-- name: ListPeople :many
SELECT * FROM people ORDER BY name;

-- name: MoveMoney :execrows
UPDATE people SET balance = balance + sqlc.arg(amount) WHERE id = sqlc.arg(id);
