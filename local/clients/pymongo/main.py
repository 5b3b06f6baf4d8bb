import datetime

import bson
import gridfs
import pymongo
from pymongo import InsertOne, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError
from pymongo.server_api import ServerApi

from calls import Client, Wrong, at, equal

client = Client("PyMongo", pymongo.version)
mongo = pymongo.MongoClient(at("MONGODB"), serverSelectionTimeoutMS=5000)
client.first("ping", lambda: mongo.admin.command("ping"))
mongo.drop_database("clients_pymongo")
db = mongo["clients_pymongo"]
stocks = db["stocks"]


def insert_many():
    result = stocks.insert_many(
        [{"_id": i, "n": i, "tags": ["a", f"t{i % 3}"], "nested": {"k": i % 2}} for i in range(1, 101)]
    )
    equal(len(result.inserted_ids), 100)


def unordered():
    try:
        stocks.insert_many([{"_id": 1}, {"_id": 500}, {"_id": 2}], ordered=False)
    except BulkWriteError as e:
        equal([error["code"] for error in e.details["writeErrors"]], [11000, 11000])
        equal(stocks.delete_one({"_id": 500}).deleted_count, 1)
        return
    raise Wrong("equal keys were taken")


def found(condition, want):
    return lambda: equal(sorted(d["_id"] for d in stocks.find(condition)), want)


def updated(update, want):
    def run():
        equal(stocks.update_one({"_id": 0}, update).matched_count, 1)
        document = stocks.find_one({"_id": 0})
        equal({k: document.get(k) for k in want}, want)

    return run


def index():
    name = stocks.create_index([("n", 1), ("nested.k", -1)], unique=True)
    equal(stocks.index_information()[name]["unique"], True)
    stocks.drop_index(name)
    equal(list(stocks.index_information()), ["_id_"])


def types():
    document = {
        "_id": bson.ObjectId(),
        "double": 1.5,
        "int": 1,
        "long": bson.Int64(2**40),
        "text": "中国平安",
        "null": None,
        "bool": True,
        "binary": b"\0\xff",
        "decimal": bson.Decimal128("78.25"),
        "list": [1, [2]],
        "object": {"a": {"b": 1}},
        "time": datetime.datetime(2020, 11, 19, 4, 40, 51, 123000),
        "regex": bson.Regex("^a", "i"),
        "timestamp": bson.Timestamp(1, 2),
        "min": bson.MinKey(),
        "max": bson.MaxKey(),
        "code": bson.Code("f"),
    }
    db["types"].insert_one(document)
    equal(db["types"].find_one({"_id": document["_id"]}), document)


def rename():
    db["old"].insert_one({"a": 1})
    db["old"].rename("new")
    equal(db["new"].count_documents({}), 1)
    db["new"].drop()
    equal("new" in db.list_collection_names(), False)


def session():
    with mongo.start_session() as s:
        equal(stocks.find_one({"_id": 7}, session=s)["n"], 7)


def stable_api():
    with pymongo.MongoClient(at("MONGODB"), server_api=ServerApi("1"), serverSelectionTimeoutMS=5000) as stable:
        equal(stable["clients_pymongo"]["stocks"].find_one({"_id": 7})["n"], 7)


def transaction():
    with mongo.start_session() as s, s.start_transaction():
        stocks.insert_one({"_id": "transaction"}, session=s)


def unacknowledged():
    equal(stocks.with_options(write_concern=WriteConcern(w=0)).insert_one({"_id": 900}).acknowledged, False)
    while stocks.delete_one({"_id": 900}).deleted_count == 0:  # until it is there
        pass


def files():
    name = gridfs.GridFS(db).put(b"x" * 300_000)
    equal(db["fs.chunks"].count_documents({"files_id": name}), 2)


def bulk():
    result = stocks.bulk_write(
        [InsertOne({"_id": 600}), UpdateOne({"_id": 600}, {"$set": {"a": 1}}), pymongo.DeleteOne({"_id": 600})]
    )
    equal((result.inserted_count, result.modified_count, result.deleted_count), (1, 1, 1))


client.calls(
    {
        "insert_one": lambda: equal(stocks.insert_one({"_id": 0, "n": 0}).inserted_id, 0),
        "insert_many": insert_many,
        "insert_many unordered": unordered,
        "list_database_names": lambda: equal("clients_pymongo" in mongo.list_database_names(), True),
        "list_collection_names": lambda: equal(db.list_collection_names(), ["stocks"]),
        "find, sort, skip, limit, projection": lambda: equal(
            list(stocks.find({"n": {"$gt": 10}}, {"n": 1, "_id": 0}).sort("n", -1).skip(2).limit(2)),
            [{"n": 98}, {"n": 97}],
        ),
        "cursor": lambda: equal([d["_id"] for d in stocks.find().sort("_id", 1).batch_size(7)], list(range(101))),
        "hint, comment, max_time_ms": lambda: equal(
            len(list(stocks.find({"n": 5}).hint("_id_").comment("c").max_time_ms(5000))), 1
        ),
        "nested and array match": found({"nested.k": 1, "tags": "t1", "n": {"$lt": 10}}, [1, 7]),
        "$in": found({"n": {"$in": [3, 200, 5]}}, [3, 5]),
        "$or": found({"$or": [{"n": 3}, {"n": 4}]}, [3, 4]),
        "$not": found({"n": {"$not": {"$gt": 1}}}, [0, 1]),
        "$exists": found({"tags": {"$exists": False}}, [0]),
        "$type": found({"n": {"$type": "string"}}, []),
        "count_documents": lambda: equal(stocks.count_documents({"n": {"$gte": 50}}), 51),
        "estimated_document_count": lambda: equal(stocks.estimated_document_count(), 101),
        "$set": updated({"$set": {"a.b": 1}}, {"a": {"b": 1}}),
        "$inc": updated({"$inc": {"c": 2}}, {"c": 2}),
        "$push": updated({"$push": {"list": 1}}, {"list": [1]}),
        "$addToSet": updated({"$addToSet": {"list": 1}}, {"list": [1]}),
        "$min": updated({"$min": {"c": 1}}, {"c": 1}),
        "$unset": updated({"$unset": {"c": ""}}, {"c": None}),
        "upsert": lambda: equal(stocks.update_one({"_id": 700}, {"$set": {"n": 700}}, upsert=True).upserted_id, 700),
        "replace_one": lambda: equal(stocks.replace_one({"_id": 700}, {"n": 701}).modified_count, 1),
        "delete_many": lambda: equal(stocks.delete_many({"n": {"$gt": 700}}).deleted_count, 1),
        "bulk_write": bulk,
        "create_index, index_information, drop_index": index,
        "rename, drop": rename,
        "session": session,
        "stable API": stable_api,
        "write concern 0": unacknowledged,
        "BSON types": types,
        "GridFS put": files,
    }
)

n = {"_id": 1}
client.calls(
    {
        "distinct": lambda: stocks.distinct("n"),
        "$elemMatch": lambda: list(stocks.find({"tags": {"$elemMatch": {"$eq": "a"}}})),
        "$regex": lambda: list(stocks.find({"tags": {"$regex": "^a"}})),
        "$all": lambda: list(stocks.find({"tags": {"$all": ["a"]}})),
        "$size": lambda: list(stocks.find({"tags": {"$size": 1}})),
        "$mod": lambda: list(stocks.find({"n": {"$mod": [2, 0]}})),
        "$expr": lambda: list(stocks.find({"$expr": {"$gt": ["$n", 1]}})),
        "$where": lambda: list(stocks.find({"$where": "true"})),
        "$pull": lambda: stocks.update_one(n, {"$pull": {"tags": "a"}}),
        "$pop": lambda: stocks.update_one(n, {"$pop": {"tags": 1}}),
        "$mul": lambda: stocks.update_one(n, {"$mul": {"n": 2}}),
        "$rename": lambda: stocks.update_one(n, {"$rename": {"n": "m"}}),
        "$currentDate": lambda: stocks.update_one(n, {"$currentDate": {"d": True}}),
        "arrayFilters": lambda: stocks.update_one(n, {"$set": {"tags.$[t]": 1}}, array_filters=[{"t": "a"}]),
        "pipeline update": lambda: stocks.update_one(n, [{"$set": {"a": 1}}]),
        "find_one_and_update": lambda: stocks.find_one_and_update(n, {"$set": {"a": 1}}),
        "text index": lambda: stocks.create_index([("t", "text")]),
        "TTL index": lambda: stocks.create_index("t", expireAfterSeconds=60),
        "aggregate": lambda: list(stocks.aggregate([{"$group": {"_id": "$nested.k", "n": {"$sum": "$n"}}}])),
        "watch": lambda: stocks.watch().try_next(),
        "explain": lambda: stocks.find().explain(),
        "collation": lambda: list(stocks.find(collation={"locale": "en"})),
        "transaction": transaction,
        "capped collection": lambda: db.create_collection("capped", capped=True, size=4096),
        "validator": lambda: db.create_collection("valid", validator={"n": {"$gt": 1}}),
        "write concern 3": lambda: stocks.with_options(write_concern=WriteConcern(w=3)).insert_one({}),
        "dbStats": lambda: db.command("dbStats"),
        "serverStatus": lambda: mongo.admin.command("serverStatus"),
        "connectionStatus": lambda: mongo.admin.command("connectionStatus"),
        "getParameter": lambda: mongo.admin.command("getParameter", "*"),
        "getLog": lambda: mongo.admin.command("getLog", "global"),
        "hostInfo": lambda: mongo.admin.command("hostInfo"),
    }
)
