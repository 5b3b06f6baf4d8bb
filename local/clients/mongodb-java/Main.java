import com.mongodb.*;
import com.mongodb.client.*;
import com.mongodb.client.model.*;
import java.util.*;
import org.bson.Document;
import org.bson.types.Decimal128;

public class Main {

    public static void main(String[] args) {
        Calls calls = new Calls("Java driver", Calls.at("VERSION"));
        MongoClient mongo = MongoClients.create(Calls.at("MONGODB") + "/?serverSelectionTimeoutMS=5000");
        MongoDatabase db = mongo.getDatabase("clients_java");
        MongoCollection<Document> stocks = db.getCollection("stocks");
        calls.first("ping", () -> db.runCommand(new Document("ping", 1)));
        db.drop();
        calls.call("insertMany", () -> {
            List<Document> many = new ArrayList<>();
            for (int i = 0; i < 100; i++) many.add(
                new Document("_id", i).append("n", i).append("price", Decimal128.parse("78.25"))
            );
            Calls.equal(stocks.insertMany(many).getInsertedIds().size(), 100);
        });
        calls.call("insertOne of a key that is", () -> {
            try {
                stocks.insertOne(new Document("_id", 1));
            } catch (MongoWriteException e) {
                Calls.equal(e.getError().getCode(), 11000);
                return;
            }
            throw new Calls.Wrong("an equal key was taken");
        });
        calls.call("find, sort, skip, limit, projection", () ->
            Calls.equal(
                stocks
                    .find(Filters.gt("n", 10))
                    .projection(Projections.fields(Projections.include("n"), Projections.excludeId()))
                    .sort(Sorts.descending("n"))
                    .skip(2)
                    .limit(2)
                    .into(new ArrayList<>()),
                List.of(new Document("n", 97), new Document("n", 96))
            )
        );
        calls.call("cursor", () -> {
            int sum = 0;
            for (Document d : stocks.find().batchSize(7)) sum += d.getInteger("n");
            Calls.equal(sum, 4950);
        });
        calls.call("countDocuments", () -> Calls.equal(stocks.countDocuments(Filters.gte("n", 50)), 50L));
        calls.call("estimatedDocumentCount", () -> Calls.equal(stocks.estimatedDocumentCount(), 100L));
        calls.call("updateOne, upsert", () ->
            Calls.equal(
                stocks
                    .updateOne(Filters.eq(200), Updates.set("n", 200), new UpdateOptions().upsert(true))
                    .getUpsertedId()
                    .asInt32()
                    .getValue(),
                200
            )
        );
        calls.call("replaceOne", () ->
            Calls.equal(stocks.replaceOne(Filters.eq(200), new Document("n", 201)).getModifiedCount(), 1L)
        );
        calls.call("deleteMany", () -> Calls.equal(stocks.deleteMany(Filters.gt("n", 100)).getDeletedCount(), 1L));
        calls.call("bulkWrite", () ->
            Calls.equal(
                stocks
                    .bulkWrite(
                        List.of(new InsertOneModel<>(new Document("_id", 300)), new DeleteOneModel<>(Filters.eq(300)))
                    )
                    .getDeletedCount(),
                1
            )
        );
        calls.call("createIndex, listIndexes, dropIndex", () -> {
            String name = stocks.createIndex(Indexes.ascending("n"));
            Calls.equal(stocks.listIndexes().into(new ArrayList<>()).size(), 2);
            stocks.dropIndex(name);
        });
        calls.call("listCollectionNames", () ->
            Calls.equal(db.listCollectionNames().into(new ArrayList<>()), List.of("stocks"))
        );
        calls.call("listDatabaseNames", () ->
            Calls.equal(mongo.listDatabaseNames().into(new HashSet<>()).contains("clients_java"), true)
        );
        calls.call("distinct", () -> stocks.distinct("n", Integer.class).first());
        calls.call("aggregate", () -> stocks.aggregate(List.of(Aggregates.group("$n"))).first());
        calls.call("findOneAndUpdate", () -> stocks.findOneAndUpdate(Filters.eq(1), Updates.set("a", 1)));
        calls.call("watch", () -> stocks.watch().cursor().tryNext());
        calls.call("transaction", () -> {
            try (ClientSession session = mongo.startSession()) {
                session.startTransaction();
                stocks.insertOne(session, new Document());
            }
        });
        calls.call("explain", () -> stocks.find().explain());
        calls.end();
    }
}
