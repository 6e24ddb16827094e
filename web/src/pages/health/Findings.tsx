import { Empty, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';

type Finding = Schemas['HealthFindingShape'];

const LOOKS = {
  critical: { style: { background: '#B5261E', borderColor: '#B5261E', color: '#FFFFFF' }, glyph: '‼' },
  warning: { style: { background: '#FFF1D6', borderColor: '#FFCE85', color: '#6B4200' }, glyph: '▲' },
  unknown: { style: {}, glyph: '?' },
} as const;

/** What is wrong or not known, the gravest first, each with what mends it. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('health.findings')}>
      <h2 className="section-title">{t('health.findings')}</h2>
      <Table<Finding>
        size="small"
        rowKey={(each) => `${each.check} ${each.about}`}
        dataSource={findings}
        pagination={findings.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
        locale={{ emptyText: <Empty description={t('health.noFindings')} /> }}
        columns={[
          {
            title: t('health.severity'),
            render: (_, each) => (
              <Tag style={LOOKS[each.severity].style}>
                {LOOKS[each.severity].glyph} {t(`health.${each.severity}`)}
              </Tag>
            ),
          },
          { title: t('health.what'), render: (_, each) => said(each.title, each.title_zh) },
          { title: t('health.about'), dataIndex: 'about', className: 'mono' },
          {
            title: t('health.seen'),
            render: (_, each) =>
              [each.until && formatTime(each.until), each.detail].filter(Boolean).join(' · '),
          },
          { title: t('health.mend'), render: (_, each) => said(each.mend, each.mend_zh) },
        ]}
      />
    </section>
  );
}
