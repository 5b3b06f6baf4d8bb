const assert = require("node:assert");
const { MongoClient, Decimal128 } = require("mongodb");
const { version } = require("mongodb/package.json");

async function call(name, f, milliseconds = 30000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `no answer within ${milliseconds} ms` })),
      milliseconds,
    );
  });
  let result = "works",
    detail = "";
  try {
    await Promise.race([f(), late]);
  } catch (e) {
    result = e instanceof assert.AssertionError ? "fails" : "refused";
    detail = `${e.name}: ${e.message}`;
  }
  clearTimeout(timer);
  console.log(JSON.stringify({ client: "Node driver", version, call: name, result, detail }));
  return result === "works";
}

(async () => {
  const mongo = new MongoClient(process.env.FEEDSTREAM_MONGODB, { serverSelectionTimeoutMS: 5000 });
  if (!(await call("connect", () => mongo.connect()))) process.exit(0);
  const db = mongo.db("clients_node");
  await db.dropDatabase();
  const stocks = db.collection("stocks");
  const many = Array.from({ length: 100 }, (_, i) => ({ _id: i, n: i, price: Decimal128.fromString("78.25") }));
  const calls = {
    ping: () => db.command({ ping: 1 }),
    insertMany: async () => assert.equal((await stocks.insertMany(many)).insertedCount, 100),
    "insertOne of a key that is": async () => {
      await assert.rejects(stocks.insertOne({ _id: 1 }), (e) => e.code === 11000);
    },
    "find, sort, skip, limit, projection": async () => {
      const got = await stocks
        .find({ n: { $gt: 10 } }, { projection: { n: 1, _id: 0 } })
        .sort({ n: -1 })
        .skip(2)
        .limit(2)
        .toArray();
      assert.deepEqual(got, [{ n: 97 }, { n: 96 }]);
    },
    cursor: async () => {
      let sum = 0;
      for await (const d of stocks.find({}, { batchSize: 7 })) sum += d.n;
      assert.equal(sum, 4950);
    },
    findOne: async () => assert.equal((await stocks.findOne({ _id: 7 })).price.toString(), "78.25"),
    countDocuments: async () => assert.equal(await stocks.countDocuments({ n: { $gte: 50 } }), 50),
    "updateOne, upsert": async () => {
      assert.equal((await stocks.updateOne({ _id: 200 }, { $set: { n: 200 } }, { upsert: true })).upsertedId, 200);
    },
    replaceOne: async () => assert.equal((await stocks.replaceOne({ _id: 200 }, { n: 201 })).modifiedCount, 1),
    deleteMany: async () => assert.equal((await stocks.deleteMany({ n: { $gt: 100 } })).deletedCount, 1),
    bulkWrite: async () => {
      const done = await stocks.bulkWrite([
        { insertOne: { document: { _id: 300 } } },
        { deleteOne: { filter: { _id: 300 } } },
      ]);
      assert.deepEqual([done.insertedCount, done.deletedCount], [1, 1]);
    },
    "createIndex, indexes, dropIndex": async () => {
      const name = await stocks.createIndex({ n: 1 });
      assert.equal((await stocks.indexes()).length, 2);
      await stocks.dropIndex(name);
    },
    listCollections: async () =>
      assert.deepEqual(
        (await db.listCollections().toArray()).map((c) => c.name),
        ["stocks"],
      ),
    listDatabases: async () => {
      assert.ok((await db.admin().listDatabases()).databases.some((d) => d.name === "clients_node"));
    },
    distinct: () => stocks.distinct("n"),
    aggregate: () => stocks.aggregate([{ $group: { _id: "$n" } }]).toArray(),
    findOneAndUpdate: () => stocks.findOneAndUpdate({ _id: 1 }, { $set: { a: 1 } }),
    watch: () => stocks.watch().tryNext(),
    transaction: () =>
      mongo.withSession((session) => session.withTransaction(() => stocks.insertOne({}, { session }))),
    explain: () => stocks.find().explain(),
  };
  for (const [name, f] of Object.entries(calls)) await call(name, f);
  process.exit(0);
})();
