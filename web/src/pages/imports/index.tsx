import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Checkbox, Empty, Input, Progress, Select, Space, Table } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen } from '../../lib/format';
import { save } from '../../lib/save';
import type { Asked, Imported, Written } from './send';
import { MOST_MIB, send, template, write } from './send';

type Kind = Schemas['MapShape'];

/** Files of stock counts and orders: checked row by row, then written a part at a time. */
export default function Imports() {
  const { t } = useTranslation();
  const who = useWho();
  const [name, setName] = useState('');
  const allowed = may(who, 'write') && !who?.shops.length && !who?.warehouses.length;
  const maps = useQuery({
    queryKey: ['imports'],
    queryFn: () => told(api.GET('/api/v1/imports')),
    enabled: allowed,
  });
  const kind = maps.data?.find((each) => each.name === name) ?? maps.data?.[0];
  return (
    <>
      <h1 className="page-title">{t('imports.title')}</h1>
      {!allowed ? (
        <Alert type="info" showIcon title={t('imports.notAllowed')} />
      ) : maps.isPending ? (
        <Loading />
      ) : maps.isError ? (
        <Failed error={maps.error} again={() => void maps.refetch()} />
      ) : !kind ? (
        <Empty description={t('imports.noMaps')} />
      ) : (
        <Space orientation="vertical" size={12} style={{ width: '100%' }}>
          <Select
            aria-label={t('imports.kind')}
            value={kind.name}
            style={{ width: 420 }}
            options={maps.data.map((each) => ({
              value: each.name,
              label: `${t(`imports.of.${each.kind as 'stock'}`)} · ${each.name}${each.shop && ` · ${each.shop}`}`,
            }))}
            onChange={setName}
          />
          <Chosen key={kind.name} kind={kind} />
        </Space>
      )}
    </>
  );
}

function Chosen({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [asOf, setAsOf] = useState('');
  const [goodRows, setGoodRows] = useState(false);
  const [done, setDone] = useState(0);
  const stop = useRef(false);
  const asked = (): Asked => ({ file: file!, map: kind.name, asOf, goodRows });
  const check = useMutation({ mutationFn: () => send(asked()) });
  const apply = useMutation({
    mutationFn: () => {
      stop.current = false;
      setDone(0);
      return write(asked(), () => stop.current, setDone);
    },
  });
  const anew = () => {
    check.reset();
    apply.reset();
  };
  const large = file && file.size > MOST_MIB * 2 ** 20 ? file : null;
  const read = check.data;
  const mayWrite = read && read.good > 0 && (!read.faults.length || goodRows);
  return (
    <Space orientation="vertical" size={12} style={{ width: '100%' }}>
      <Columns kind={kind} />
      <Space wrap align="start">
        <label>
          {t('imports.file')}{' '}
          <input
            type="file"
            accept=".csv,.xlsx"
            onChange={(event) => {
              setFile(event.target.files?.[0] ?? null);
              anew();
            }}
          />
        </label>
        <span className="quiet">{t('imports.fileHint', { mib: MOST_MIB })}</span>
      </Space>
      {kind.needs_as_of && (
        <label>
          {t('imports.asOf')}{' '}
          <Input
            type="datetime-local"
            value={asOf}
            style={{ width: 220 }}
            onChange={(event) => {
              setAsOf(event.target.value);
              anew();
            }}
          />{' '}
          <span className="quiet">{t('imports.asOfNeeded')}</span>
        </label>
      )}
      {large && (
        <Alert type="error" showIcon title={t('imports.tooLarge', { name: large.name, mib: MOST_MIB })} />
      )}
      <Button
        type={read ? 'default' : 'primary'}
        disabled={!file || !!large || apply.isPending || (kind.needs_as_of && !asOf)}
        loading={check.isPending}
        onClick={() => {
          anew();
          check.mutate();
        }}
      >
        {t('imports.check')}
      </Button>
      {check.error && (
        <Alert type="error" showIcon title={t('imports.failed', { reason: check.error.message })} />
      )}
      {read && <Read read={read} />}
      {read && read.faults.length > 0 && read.good > 0 && (
        <Checkbox
          checked={goodRows}
          disabled={apply.isPending}
          onChange={(event) => setGoodRows(event.target.checked)}
        >
          {t('imports.goodRows')}
        </Checkbox>
      )}
      {read && (
        <Space>
          <Button
            type="primary"
            disabled={!mayWrite || apply.isSuccess}
            loading={apply.isPending}
            onClick={() => apply.mutate()}
          >
            {t('imports.apply', { count: read.good })}
          </Button>
          {apply.isPending && <Button onClick={() => (stop.current = true)}>{t('imports.stop')}</Button>}
        </Space>
      )}
      {read && (apply.isPending || apply.isSuccess) && (
        <Progress
          percent={Math.min(100, Math.round((100 * done) / read.good))}
          aria-label={t('imports.progress')}
        />
      )}
      {apply.error && (
        <Alert type="error" showIcon title={t('imports.failed', { reason: apply.error.message })} />
      )}
      {apply.data && <Wrote written={apply.data} />}
    </Space>
  );
}

/** What the columns are called and what may stand in them, with a template. */
function Columns({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const download = useMutation({
    mutationFn: async (form: string) => save(await template(kind.name, form), `${kind.name}.${form}`),
  });
  return (
    <>
      <Space>
        {(['xlsx', 'csv'] as const).map((form) => (
          <Button key={form} onClick={() => download.mutate(form)}>
            {t('imports.template', { form: form.toUpperCase() })}
          </Button>
        ))}
        {download.error && (
          <Alert type="error" showIcon title={t('imports.failed', { reason: download.error.message })} />
        )}
      </Space>
      <details style={{ marginTop: 12 }}>
        <summary>{t('imports.columns')}</summary>
        <Table<Kind['columns'][number]>
          size="small"
          rowKey={(each) => each.headings.join()}
          pagination={false}
          dataSource={kind.columns}
          columns={[
            { title: t('imports.column'), render: (_, each) => each.headings.join(' / ') },
            {
              title: t('imports.needed'),
              render: (_, each) => (each.needed ? t('imports.yes') : t('imports.no')),
            },
            { title: t('imports.values'), render: (_, each) => each.values.join(' / ') },
          ]}
        />
      </details>
    </>
  );
}

/** What the file came to: its mistakes by row and column, and the orders in it. */
function Read({ read }: { read: Imported }) {
  const { t } = useTranslation();
  const sum = t('imports.sum', { rows: read.rows, good: read.good, faults: read.faults.length });
  return (
    <>
      <Alert
        type={read.faults.length ? 'error' : 'success'}
        showIcon
        title={`${sum}${read.over_rows ? ` ${t('imports.over', { count: read.over_rows })}` : ''}`}
        description={read.faults.length ? t('imports.nothing') : t('imports.clean')}
      />
      {read.faults.length > 0 && (
        <section aria-label={t('imports.faults')}>
          <h2 className="section-title">{t('imports.faults')}</h2>
          <Table<Imported['faults'][number]>
            size="small"
            rowKey={(each) => `${each.line} ${each.column} ${each.message}`}
            pagination={{ pageSize: 50, hideOnSinglePage: true }}
            dataSource={read.faults}
            columns={[
              {
                title: t('imports.row'),
                width: 100,
                render: (_, each) => each.line || t('imports.whole'),
              },
              { title: t('imports.column'), dataIndex: 'column', width: 160 },
              { title: t('imports.what'), render: (_, each) => said(each.message, each.message_zh) },
            ]}
          />
        </section>
      )}
      {read.preview.length > 0 && (
        <section aria-label={t('imports.preview')}>
          <h2 className="section-title">{t('imports.preview')}</h2>
          <Table<Imported['preview'][number]>
            size="small"
            rowKey={(each) => `${each.shop} ${each.state}`}
            pagination={false}
            dataSource={read.preview}
            columns={[
              { title: t('imports.shop'), dataIndex: 'shop' },
              { title: t('imports.state'), render: (_, each) => said(each.state, each.state_zh) },
              { title: t('imports.orders'), dataIndex: 'orders', align: 'right' },
              { title: t('imports.lines'), dataIndex: 'lines', align: 'right' },
              {
                title: t('imports.amount'),
                align: 'right',
                render: (_, each) => formatFen(each.amount_fen),
              },
            ]}
          />
        </section>
      )}
    </>
  );
}

function Wrote({ written }: { written: Written }) {
  const { t } = useTranslation();
  const { accepted, duplicates, refused, stopped } = written;
  return (
    <>
      {stopped && <Alert type="warning" showIcon title={t('imports.stopped')} />}
      <Alert
        type={refused.length ? 'warning' : 'success'}
        showIcon
        title={t('imports.done', { accepted, duplicates, refused: refused.length })}
      />
      {refused.length > 0 && (
        <Table<(typeof refused)[number]>
          size="small"
          rowKey="what"
          title={() => t('imports.refused')}
          pagination={{ pageSize: 50, hideOnSinglePage: true }}
          dataSource={refused}
          columns={[
            { title: t('imports.number'), dataIndex: 'what', className: 'mono' },
            { title: t('imports.what'), render: (_, each) => said(each.message, each.message_zh) },
          ]}
        />
      )}
    </>
  );
}
