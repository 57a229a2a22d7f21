"""What the lower rooms are told of publishing, once, at start."""

from __future__ import annotations

from penstock import engine, ledger, publish, records, review


def all() -> None:
    """Tables, pipeline, targets, the form of photos, and what publishing keeps others from doing."""
    from penstock.ledger import rollback
    from penstock.publish import checks, history, models, pipeline, settling, tidying, uploadlog, website
    from penstock.publish.form import Form

    engine.PIPELINES["publish"] = pipeline.build
    ledger.TABLES["delivery"] = models.Delivery
    publish.TARGETS.update(
        folder="penstock.publish.outlets.folder:FolderOutlet",
        ftp="penstock.publish.outlets.ftp:FtpOutlet",
        ftps="penstock.publish.outlets.ftps:FtpsOutlet",
        sftp="penstock.publish.outlets.sftp:SftpOutlet",
        mysql="penstock.publish.outlets.mysql:MysqlOutlet",
        postgres="penstock.publish.outlets.postgres:PostgresOutlet",
        sqlite="penstock.publish.outlets.sqlite:SqliteOutlet",
    )
    publish.FORMS["photos"] = Form("photo", website.parcel, website.published, website.sized, tidying.tidy)
    ledger.ON_SETTLED.append(settling.settled)
    ledger.AFTER_RUN.append(uploadlog.write)
    rollback.KEEP.append(history.kept)
    review.LOCKS.append(history.holding)
    records.CHECKS.append(checks.places)
    records.VERIFY += [checks.uploads, checks.rows, checks.addresses]
